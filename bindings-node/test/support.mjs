// What the tests share: guests, folders, hosts that are closed again.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Host } from '../index.mjs';

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const guests = JSON.parse(await readFile(join(repository, 'target/guests/index.json'), 'utf8'));

export const guest = (name) => ({ file: resolve(repository, guests[name].path), hash: guests[name].hash });

/** A folder that is removed when the test ends. */
export async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), 'astrid-node-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

export const manifestOf = (name, lines = []) =>
  [
    '[package]', `name = "${name}"`, 'version = "1.0.0"', '',
    '[[component]]', `id = "${name}"`, 'file = "guest.wasm"', `hash = "${guest(name).hash}"`, '',
    ...lines, '',
  ].join('\n');

/** A folder with a capsule made of a guest of that name. */
export async function capsuleFolder(t, name, lines) {
  const path = join(await folder(t), name);
  await mkdir(path);
  await cp(guest(name).file, join(path, 'guest.wasm'));
  await writeFile(join(path, 'Capsule.toml'), manifestOf(name, lines));
  return path;
}

/** An open host that is closed when the test ends. */
export async function open(t, options) {
  const path = await mkdtemp(join(tmpdir(), 'astrid-node-'));
  let host;
  // A home is not taken away from under its host.
  t.after(async () => {
    await host?.close();
    await rm(path, { recursive: true, force: true });
  });
  host = await Host.open(join(path, 'home'), options);
  return host;
}

/** A host with the puppet loaded, for alice. */
export async function puppet(t, options, lines) {
  const host = await open(t, options);
  const capsule = await host.load(await capsuleFolder(t, 'puppet', lines), { principal: 'alice' });
  return { host, capsule };
}

/** A script for the puppet that asks for approval. */
export const approval = { calls: [{ op: 'approval.request-approval', args: { action: 'buy', 'target-resource': 'tea' } }] };

/** What a handler was asked, and a Promise of the first question. */
export function recorded(answer) {
  const questions = [];
  let heard;
  const first = new Promise((resolve) => { heard = resolve; });
  const handler = (question, asked) => {
    questions.push({ question, asked });
    heard({ question, asked });
    return answer(question, asked);
  };
  return { handler, questions, first };
}
