// What a call costs with Extism from Node: extism.mjs PEERS GUEST [WORD …]. PEERS: the folder with node_modules. Prints a line
// of JSON for each figure.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { choose, idle, repeated, sizes } from '../measure.mjs';

const [peers, guest, ...words] = process.argv.slice(2);
choose(words);
const { createPlugin } = await import(pathToFileURL(join(peers, 'node_modules/@extism/extism/dist/esm/mod.js')));
const module = await WebAssembly.compile(await readFile(guest));
const small = Buffer.alloc(64, 'a');
const answer = (context, asked) => context.store(context.read(asked).bytes());

async function measure(peer, runInWorker, questions, count) {
  const options = { runInWorker, functions: { 'extism:host/user': { answer } } };
  const make = async () => {
    const plugin = await createPlugin({ wasm: [{ module }] }, options);
    if ((await plugin.call('echo', small)).byteLength !== small.length) throw new Error('not an echo');
    return plugin;
  };
  // First of all, while nothing that is measured later has left memory behind.
  for (const kept of await idle(`idle instance: ${peer}`, count, make)) await kept.close();
  const plugin = await make();
  // It keeps and numbers all that it stores until it is told to begin anew: its memory fills, the worker copies ever more, and
  // the number 32,768 is an error.
  let stored = 0;
  const call = async (action, payload, stores) => {
    stored += stores;
    if (stored > 200) {
      await plugin.reset();
      stored = stores;
    }
    return plugin.call(action, payload);
  };
  for (const [size, said] of sizes) {
    const payload = Buffer.alloc(size, 'a');
    const includes = 'no audit; copied by calls of the host as the Rust PDK does, reset every 100 calls';
    await repeated(`call, ${said}: ${peer}`, includes, () => call('echo', payload, 2));
  }
  const includes = 'from a compiled module, its first call, closed';
  await repeated(`new instance: ${peer}`, includes, async () => (await make()).close());
  const times = new Uint8Array(Uint32Array.of(questions).buffer);
  const name = `guest to host and back, 64 B: ${peer}`;
  await repeated(name, 'bytes in and out of a function', () => call('ask', times, 2 * questions + 2), questions);
  await plugin.close();
}

await measure('Extism, Node', false, 1000, 200);
// A worker is a thread with a heap of its own, so it is asked for less.
await measure('Extism, Node, worker', true, 10, 20);
