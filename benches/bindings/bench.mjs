// What a call costs from Node: hooks, and questions that a handler answers. Prints a line of JSON for each figure.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Host } from '../../bindings-node/index.mjs';
import { privateKib, repeated, repeatedSync, sizes, tell } from '../measure.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const guests = JSON.parse(await readFile(join(root, 'target/guests/index.json'), 'utf8'));
/** The worker's number for a question, how many it asks in one trigger, and how many wait at once. */
const [ask, questions, waiting] = [8, 1000, 1000];
const endless = 1e15;
const options = {
  quotas: { maxCpuFuelPerSec: endless, maxIpcThroughputBytes: endless },
  audit: { entriesPerSec: endless, bytesPerSec: endless },
  maxPrincipals: 2 * waiting,
};

const manifest = (name) => `[package]\nname = "${name}"\nversion = "1.0.0"\n[[component]]\nfile = "guest.wasm"\n`;

async function withHost(more, guest, use) {
  const home = await mkdtemp(join(tmpdir(), 'astrid-bench-'));
  const host = await Host.open(home, { ...options, ...more });
  const { path, hash } = guests[guest];
  const bytes = await readFile(resolve(root, path));
  await use(await host.loadComponent(bytes, manifest(guest), hash), host);
  await host.close();
  await rm(home, { recursive: true, force: true });
}

const work = (times) => Buffer.from(Uint32Array.of(ask, times, 0, 0).buffer);

await withHost({}, 'echo', async (echo) => {
  for (const [size, said] of sizes) {
    const payload = Buffer.alloc(size, 'a');
    repeatedSync(`trigger, ${said}, from Node, sync`, 'one entry', () => echo.triggerSync('echo', payload));
    await repeated(`trigger, ${said}, from Node, async`, 'one entry', () => echo.trigger('echo', payload));
  }
});
await withHost({ onApproval: () => 'approve' }, 'worker', async (worker) => {
  const payload = work(questions);
  const name = 'approval, answered in Node, trigger';
  await repeated(name, 'two entries', () => worker.trigger('work', payload, { timeoutMs: 60_000 }), questions);
  repeatedSync(`${name} sync`, 'two entries', () => worker.triggerSync('work', payload, { timeoutMs: 60_000 }), questions);
});
let asked = 0;
let reached;
const onApproval = () => {
  asked += 1;
  reached?.();
  return new Promise(() => {});
};
const until = async (count) => {
  while (asked < count) await new Promise((settle) => { reached = settle; });
};
await withHost({ onApproval }, 'worker', async (worker, host) => {
  const call = (n) => worker.trigger('work', work(1), { principal: `p${n}` });
  const calls = [call(0)];
  await until(1);
  const before = privateKib();
  for (let n = 1; n < waiting; n += 1) calls.push(call(n));
  const ends = Promise.allSettled(calls);
  await until(waiting);
  const each = (privateKib() - before) / (waiting - 1);
  await host.close();
  await ends;
  tell(`${waiting} questions that wait in Node: each`, 'KiB', 'a principal, its instance, a Promise', [each]);
});
