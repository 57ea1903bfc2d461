// What happens around the process: its end, its loader, its two module systems, its types.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import * as esm from '../index.mjs';
import { capsuleFolder, folder } from './support.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const pkg = resolve(here, '..');
const require = createRequire(import.meta.url);
const run = promisify(execFile);

/** Runs a program in a process of its own, which must end by itself. */
async function program(t, text, ...args) {
  const file = join(await folder(t), 'program.mjs');
  await writeFile(file, `import { Host } from ${JSON.stringify(join(pkg, 'index.mjs'))};\nconst [home, path] = process.argv.slice(2);\n${text}`);
  return run(process.execPath, [file, ...args], { timeout: 60_000 });
}

const OPEN = `const host = await Host.open(home, { onApproval: () => 'approve', onUplink: () => 'delivered', quotas: { maxCpuFuelPerSec: 'unlimited' } });
const capsule = await host.load(path);
const messages = host.subscribe('a.*');
console.log((await capsule.trigger('echo', 'hello')).json().payload);
`;

for (const [name, end] of [
  ['after close()', 'await host.close();'],
  ['when a host is forgotten', ''],
  ['by process.exit() amid a call', `capsule.trigger('script', { calls: [{ op: 'spin' }] }); setTimeout(() => process.exit(0), 50);`],
  ['after an abort', `const abort = new AbortController();
    const call = capsule.trigger('script', { calls: [{ op: 'spin' }] }, { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await call.catch(() => {});`],
]) {
  test(`the process ends by itself ${name}`, async (t) => {
    const home = join(await folder(t), 'home');
    const { stdout, stderr } = await program(t, OPEN + end, home, await capsuleFolder(t, 'puppet'));
    assert.equal(stdout, 'hello\n');
    assert.equal(stderr, '');
  });
}

test('the process stays for a call that is under way', async (t) => {
  const home = join(await folder(t), 'home');
  const wait = `capsule.trigger('script', { calls: [{ op: 'sys.sleep-ns', args: { 'duration-ns': 100000000 } }] }).then(() => console.log('slept'));`;
  const { stdout } = await program(t, OPEN + wait, home, await capsuleFolder(t, 'puppet'));
  assert.equal(stdout, 'hello\nslept\n');
});

test('an exception of a handler ends nothing, even if nobody waits for the call', async (t) => {
  const home = join(await folder(t), 'home');
  const text = `const host = await Host.open(home, { onApproval: () => { throw new Error('boom'); } });
    const capsule = await host.load(path);
    const script = { calls: [{ op: 'approval.request-approval', args: { action: 'buy', 'target-resource': 'tea' } }] };
    const { code, cause } = await capsule.trigger('script', script).catch((error) => error);
    console.log(code, cause.message);
    await host.close();`;
  const { stdout } = await program(t, text, home, await capsuleFolder(t, 'puppet'));
  assert.equal(stdout, 'callback_failed boom\n');
});

test('a handler that is told things and throws neither ends the process nor keeps it', async (t) => {
  const home = join(await folder(t), 'home');
  const text = `const host = await Host.open(home, { onLog: ({ message }) => { throw new Error(message); }, onCheckpoint: () => Promise.reject() });
    const capsule = await host.load(path);
    await capsule.trigger('script', { calls: [{ op: 'sys.log', args: { level: 'info', message: 'spilt' } }] });
    await host.close();
    console.log('closed');`;
  const { stdout, stderr } = await program(t, text, home, await capsuleFolder(t, 'puppet'));
  assert.equal(stdout, 'closed\n');
  assert.match(stderr, /AstridHandlerWarning: onLog failed: Error: spilt/);
  assert.match(stderr, /AstridHandlerWarning: onCheckpoint failed: undefined/);
});

test('a closed host lets go of its handlers', async (t) => {
  const home = join(await folder(t), 'home');
  const text = `import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    async function used() {
      const held = { onLog: () => {}, onApproval: () => 'approve' };
      const host = await Host.open(home, held);
      await host.load(path);
      await host.close();
      return Object.values(held).map((handler) => new WeakRef(handler));
    }
    const gone = await used();
    while (gone.some((handler) => handler.deref() !== undefined)) {
      await new Promise(setImmediate);
      gc();
    }
    console.log('gone');`;
  const { stdout } = await program(t, text, home, await capsuleFolder(t, 'puppet'));
  assert.equal(stdout, 'gone\n');
});

test('a worker thread may end with a live host', async (t) => {
  const home = join(await folder(t), 'home');
  const text = `const { workerData, parentPort } = require('node:worker_threads');
    const { Host } = require(workerData.pkg);
    Host.open(workerData.home, { onApproval: () => 'approve' })
      .then((host) => host.load(workerData.path))
      .then((capsule) => { parentPort.postMessage('spinning'); return capsule.trigger('script', { calls: [{ op: 'spin' }] }); });`;
  const worker = new Worker(text, { eval: true, workerData: { pkg, home, path: await capsuleFolder(t, 'puppet') } });
  await new Promise((heard, failed) => { worker.once('message', heard); worker.once('error', failed); });
  await worker.terminate();
});

test('import and require give the same objects', () => {
  const cjs = require('../index.cjs');
  assert.deepEqual(Object.keys(esm).filter((name) => name !== 'default').sort(), Object.keys(cjs).sort());
  for (const [name, value] of Object.entries(cjs)) assert.equal(esm[name], value);
  assert.equal(esm.version, require('../package.json').version);
});

test('a module that does not load is named, with the loader\'s own words', async (t) => {
  const copy = join(await folder(t), 'package');
  await cp(pkg, copy, { recursive: true, filter: (path) => !path.includes('node_modules') && !path.endsWith('.node') });
  const load = () => run(process.execPath, ['-e', `require(${JSON.stringify(copy)})`]);
  const { file } = require('../lib/triple.cjs');
  await assert.rejects(load, (error) => error.stderr.includes(join(copy, file)) && error.stderr.includes('Cannot find module'));
  await writeFile(join(copy, file), 'not a library');
  await assert.rejects(load, (error) => error.stderr.includes(join(copy, file)) && /file too short|invalid ELF header/.test(error.stderr));
});

test('the types hold for a typed program', async (t) => {
  const tsc = join(pkg, 'node_modules/.bin/tsc');
  if (!(await readdir(pkg)).includes('node_modules')) return t.skip('run `npm ci` first');
  await run(tsc, ['--project', join(here, 'types')]);
});
