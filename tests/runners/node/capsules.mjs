// Writes the capsules of a scenario into a folder, each under its key.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const index = JSON.parse(await readFile(join(repository, 'target/guests/index.json'), 'utf8'));

const HEAD = ['[package]', 'name = "NAME"', 'version = "VERSION"', '', '[[component]]', 'id = "NAME"', 'file = "{{component}}"', 'hash = "{{hash}}"'];

const guestNamed = (name) => {
  const guest = index[name];
  if (guest === undefined) throw new Error(`no such guest: ${name}`);
  return { file: resolve(repository, guest.path), hash: guest.hash };
};

/** The BLAKE3 of a named guest; other guests are used with manifests that name no hash. */
export const hashOf = (capsule) => (typeof capsule.guest === 'string' ? guestNamed(capsule.guest).hash : '');

function manifest(key, capsule) {
  const { name = key, version = '1.0.0' } = capsule;
  const head = HEAD.map((line) => line.replace('NAME', name).replace('VERSION', version));
  const lines = [...(capsule.manifest ?? [...head, '', ...(capsule.grants ?? [])])];
  for (const [setting, script] of Object.entries(capsule.scripts ?? {})) {
    lines.push('', `[env.${setting}]`, 'type = "text"', `default = '${JSON.stringify(script)}'`);
  }
  return `${lines.join('\n')}\n`.replaceAll('{{component}}', 'guest.wasm').replaceAll('{{hash}}', hashOf(capsule));
}

async function writeGuest(guest, file) {
  if (guest === null || guest === undefined) return;
  if (typeof guest === 'string') return copyFile(guestNamed(guest).file, file);
  if (guest.bytes_hex !== undefined) return writeFile(file, Buffer.from(guest.bytes_hex, 'hex'));
  if (guest.text !== undefined) return writeFile(file, guest.text);
  const [name, length] = guest.truncate;
  return writeFile(file, (await readFile(guestNamed(name).file)).subarray(0, length));
}

/** Writes one capsule into `<folder>/<key>`. */
export async function writeCapsule(folder, key, capsule) {
  const home = join(folder, key);
  await mkdir(home, { recursive: true });
  await writeGuest(capsule.guest, join(home, 'guest.wasm'));
  if (capsule.manifest !== null) await writeFile(join(home, 'Capsule.toml'), manifest(key, capsule));
  for (const [path, text] of Object.entries(capsule.files ?? {})) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), text);
  }
}
