// Writes the capsules of a scenario into a folder, each under its key.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const index = JSON.parse(await readFile(join(repository, 'target/guests/index.json'), 'utf8'));

const HEAD = ['[package]', 'name = "NAME"', 'version = "VERSION"', '', '[[component]]', 'id = "NAME"', 'file = "{{component}}"', 'hash = "{{hash}}"'];

/** The component's file in a capsule's folder. */
export const COMPONENT = 'guest.wasm';

const guestNamed = (name) => {
  const guest = index[name];
  if (guest === undefined) throw new Error(`no such guest: ${name}`);
  return { file: resolve(repository, guest.path), hash: guest.hash };
};

/** The text with the component's file and hash, and the hashes of other guests, filled in. */
export function filled(text, guest) {
  const own = () => guestNamed(guest).hash;
  return text.replaceAll('{{component}}', COMPONENT).replaceAll('{{hash}}', own).replaceAll(/\{\{hash:(.*?)\}\}/g, (_, name) => guestNamed(name).hash);
}

function manifest(key, capsule) {
  const { name = key, version = '1.0.0' } = capsule;
  const head = HEAD.map((line) => line.replace('NAME', name).replace('VERSION', version));
  const lines = [...(capsule.manifest ?? [...head, '', ...(capsule.grants ?? [])])];
  for (const [setting, script] of Object.entries(capsule.scripts ?? {})) {
    lines.push('', `[env.${setting}]`, 'type = "text"', `default = '${JSON.stringify(script)}'`);
  }
  return filled(`${lines.join('\n')}\n`, capsule.guest);
}

/** The bytes of a scenario's guest; null if it has no file. */
async function component(guest) {
  if (guest === null || guest === undefined) return null;
  if (typeof guest === 'string') return readFile(guestNamed(guest).file);
  if (guest.bytes_hex !== undefined) return Buffer.from(guest.bytes_hex, 'hex');
  if (guest.text !== undefined) return Buffer.from(guest.text);
  const [name, length] = guest.truncate;
  return (await readFile(guestNamed(name).file)).subarray(0, length);
}

/** What the host is given as a capsule's path: its folder, or the archive beside where that would be. */
export const pathOf = (folder, key, capsule) => join(folder, capsule?.archive === undefined ? key : `${key}.capsule`);

/** Writes one capsule into `<folder>/<key>`, or as an archive beside it. */
export async function writeCapsule(folder, key, capsule) {
  if (capsule.archive !== undefined) {
    await copyFile(guestNamed(capsule.archive).file, pathOf(folder, key, capsule));
    return;
  }
  const home = join(folder, key);
  const put = async (name, content) => {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), content);
  };
  await mkdir(home, { recursive: true });
  const bytes = await component(capsule.guest);
  if (bytes !== null) await put(COMPONENT, bytes);
  if (capsule.manifest !== null) await put('Capsule.toml', manifest(key, capsule));
  for (const [name, file] of Object.entries(capsule.files ?? {})) {
    await put(name, typeof file === 'string' ? file : await component(file.guest));
  }
}
