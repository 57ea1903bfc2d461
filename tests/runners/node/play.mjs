// Plays one scenario and says which pairs it proved.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';

import { AstridError } from '../../../bindings-node/index.mjs';
import { writeCapsule } from './capsules.mjs';
import { Scripted } from './handlers.mjs';
import { mismatch } from './match.mjs';
import { Stage } from './steps.mjs';
import { writeWorkspace } from './workspace.mjs';

const DEADLINE_MS = 30_000;
const TALKATIVE = ['trigger', 'join', 'next'];

/** Every `op/ok` and `op/err` in the results of a puppet. */
function* pairs(value) {
  if (value === null || typeof value !== 'object') return;
  if (typeof value.op === 'string') {
    if ('ok' in value) yield `${value.op}/ok`;
    else if (typeof value.err === 'string') yield `${value.op}/${value.err}`;
  }
  for (const inner of Object.values(value)) yield* pairs(inner);
}

const wrongError = (error, wanted) => {
  if (!(error instanceof AstridError)) return `failed with no error of the host: ${error?.stack ?? error}`;
  const missing = (what, text, part) =>
    part === undefined || String(text ?? '').includes(part) ? null : `${what} is ${JSON.stringify(text)}, expected to hold "${part}"`;
  if (error.code !== wanted.kind) return `failed with ${error.code} (${error.message}), expected ${wanted.kind}`;
  const said = [error.message, ...Object.values(error.context)].join('\n');
  return (
    missing('the message', said, wanted.contains) ??
    missing('the cause', error.cause?.message, wanted.cause_contains) ??
    missing('the backtrace', error.guestBacktrace, wanted.backtrace_contains)
  );
};

/** Takes a step once: its result, and a sentence if something is not as expected. */
async function once(stage, step) {
  try {
    const result = await stage[step.do](step);
    if (step.expect_error) return { wrong: `succeeded with ${JSON.stringify(result)}, expected ${step.expect_error.kind}` };
    return { result, wrong: step.expect === undefined ? null : mismatch(result, step.expect) };
  } catch (error) {
    const wrong = step.expect_error ? wrongError(error, step.expect_error) : `failed: ${error?.stack ?? error}`;
    return { wrong: wrong !== null && error?.guestBacktrace ? `${wrong}\n${error.guestBacktrace}` : wrong };
  }
}

/** Takes a step, again and again where it may take a while; null if all is as expected, otherwise a sentence. */
async function take(stage, step, proved) {
  if (stage[step.do] === undefined) return 'there is no such verb';
  const until = performance.now() + (step.within_ms ?? 0);
  for (;;) {
    const { result, wrong } = await once(stage, step);
    if (wrong === null) {
      if (step.expect !== undefined && TALKATIVE.includes(step.do)) for (const pair of pairs(result.json)) proved.add(pair);
      return null;
    }
    if (performance.now() >= until) return wrong;
    await later(10);
  }
}

async function steps(scenario, stage, proved) {
  const opening = scenario.open === false ? [] : [{ do: 'open' }];
  for (const [n, step] of [...opening, ...scenario.steps].entries()) {
    const wrong = await take(stage, step, proved);
    if (wrong !== null) return `step ${n + 1 - opening.length} (${step.do}): ${wrong}`;
    for (const pair of step.covers ?? []) proved.add(pair);
  }
  return null;
}

/** Plays a scenario: `{wrong, proved}`, where `wrong` is null or says what went wrong. */
export async function play(scenario) {
  const folder = await mkdtemp(join(tmpdir(), 'astrid-scenario-'));
  const stage = new Stage(scenario, folder, new Scripted(scenario.host ?? {}));
  const proved = new Set();
  const ended = new AbortController();
  try {
    for (const [key, capsule] of Object.entries(scenario.capsules ?? {})) await writeCapsule(folder, key, capsule);
    await writeWorkspace(scenario.host?.workspace, folder);
    if (scenario.home === 'file') await writeFile(join(folder, 'home'), '');
    const deadline = scenario.timeout_ms ?? DEADLINE_MS;
    const tooLong = later(deadline, `took longer than ${deadline} ms`, { signal: ended.signal }).catch(() => null);
    return { wrong: await Promise.race([steps(scenario, stage, proved), tooLong]), proved };
  } catch (error) {
    return { wrong: error.stack, proved };
  } finally {
    ended.abort();
    await stage.end();
    await rm(folder, { recursive: true, force: true });
  }
}
