// Components as jco makes them run on Node.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Gives a function that makes instances of a component. `peers`: the folder with node_modules, where the result goes too. */
export async function transpiled(peers, name, path, imports) {
  const transpiler = join(peers, 'node_modules/@bytecodealliance/jco-transpile/dist/index.js');
  const { transpileBytes } = await import(pathToFileURL(transpiler));
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

const small = Buffer.alloc(64, 'a');

/** Gives a function that makes instances of the echo and calls each once with 64 bytes. */
export async function echoes(peers, path) {
  const instance = await transpiled(peers, 'echo', path, {});
  return () => {
    const made = instance();
    if (made.astridHookTrigger('echo', small).data.length !== small.length) throw new Error('not an echo');
    return made;
  };
}
