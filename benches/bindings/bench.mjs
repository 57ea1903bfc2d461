// What a call costs from Node: hooks, and questions that a handler answers. Prints a line of JSON for each figure.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Host } from '../../bindings-node/index.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const guests = JSON.parse(await readFile(join(root, 'target/guests/index.json'), 'utf8'));
const [rounds, seconds] = [7, 0.3];
/** The worker's number for a question, how many it asks in one trigger, and how many wait at once. */
const [ask, questions, waiting] = [8, 1000, 1000];
const endless = 1e15;
const options = {
  quotas: { maxCpuFuelPerSec: endless, maxIpcThroughputBytes: endless },
  audit: { entriesPerSec: endless, bytesPerSec: endless },
  maxPrincipals: 2 * waiting,
};

const sorted = (numbers) => numbers.toSorted((one, other) => one - other);

function tell(name, unit, includes, measured) {
  const ascending = sorted(measured);
  console.log(JSON.stringify({ name, unit, median: ascending[ascending.length >> 1], rounds: ascending, includes }));
}

const cpu = () => { const { user, system } = process.cpuUsage(); return user + system; };

/** The processor time of an operation that does `of` things, over all threads. */
async function repeated(name, includes, operation, of = 1) {
  const began = performance.now();
  let times = 0;
  for (; performance.now() - began < seconds * 250 || times < 3; times += 1) await operation();
  times = Math.max(3, Math.floor((times * seconds * 1000) / (performance.now() - began)));
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = cpu();
    for (let n = 0; n < times; n += 1) await operation();
    measured.push((cpu() - before) / times / of);
  }
  tell(name, 'us', includes, measured);
}

/** The same of an operation that never waits; a loop without `await` is part of what it costs. */
function repeatedSync(name, includes, operation, of = 1) {
  const began = performance.now();
  let times = 0;
  for (; performance.now() - began < seconds * 250 || times < 3; times += 1) operation();
  times = Math.max(3, Math.floor((times * seconds * 1000) / (performance.now() - began)));
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = cpu();
    for (let n = 0; n < times; n += 1) operation();
    measured.push((cpu() - before) / times / of);
  }
  tell(name, 'us', includes, measured);
}

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

function privateKib() {
  const lines = readFileSync('/proc/self/smaps_rollup', 'utf8').split('\n').filter((line) => line.startsWith('Private_'));
  return lines.reduce((sum, line) => sum + Number(/\d+/.exec(line)), 0);
}

await withHost({}, 'echo', async (echo) => {
  for (const [size, said] of [[64, '64 B'], [65536, '64 KiB in and out']]) {
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
