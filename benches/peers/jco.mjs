// What a call costs with jco on Node: jco.mjs PEERS ECHO ASK [WORD …]. PEERS: the folder with node_modules, where the transpiled
// components go too. Prints a line of JSON for each figure.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { choose, idle, repeatedSync, sizes } from './measure.mjs';

const [peers, echo, ask, ...words] = process.argv.slice(2);
choose(words);
const transpiler = join(peers, 'node_modules/@bytecodealliance/jco-transpile/dist/index.js');
const { transpileBytes } = await import(pathToFileURL(transpiler));

/** Gives a function that makes instances of a component. */
async function transpiled(name, path, imports) {
  const { files } = await transpileBytes(await readFile(path), { name, instantiation: 'sync' });
  const folder = join(peers, 'jco', name);
  const modules = new Map();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
    if (file.endsWith('.wasm')) modules.set(file, await WebAssembly.compile(content));
  }
  const { instantiate } = await import(pathToFileURL(join(folder, `${name}.js`)));
  return () => instantiate((file) => modules.get(file), imports);
}

const peer = 'jco, Node';
const questions = 1000;
const small = Buffer.alloc(64, 'a');
const instance = await transpiled('echo', echo, {});
const make = () => {
  const made = instance();
  if (made.astridHookTrigger('echo', small).data.length !== small.length) throw new Error('not an echo');
  return made;
};
const made = make();
for (const [size, said] of sizes) {
  const payload = Buffer.alloc(size, 'a');
  const includes = 'our echo, the same bytes; no audit, no limits';
  repeatedSync(`call, ${said}: ${peer}`, includes, () => made.astridHookTrigger('echo', payload));
}
repeatedSync(`new instance: ${peer}`, 'from compiled modules, its first call; left to the collector', make);
const asks = (await transpiled('ask', ask, { answer: { default: (asked) => asked } }))();
const name = `guest to host and back, 64 B: ${peer}`;
repeatedSync(name, 'list<u8> in and out of a function', () => asks.ask(questions), questions);
await idle(`idle instance: ${peer}`, 200, make);
