// What a component is, and the command that says so.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { inspectComponent, version } from '../index.mjs';
import { capsuleFolder, guest, repository } from './support.mjs';

const command = join(repository, 'bindings-node/bin/astrid-host.mjs');
const run = (...given) => promisify(execFile)(process.execPath, [command, ...given]);

test('a component is described', async () => {
  const bytes = await readFile(guest('puppet').file);
  const report = inspectComponent(bytes);
  assert.deepEqual([report.runnable, report.problems, report.bytes], [true, [], bytes.length]);
  assert.equal(report.hash, guest('puppet').hash);
  const functions = report.imports.flatMap((one) => one.functions);
  assert.equal(functions.find(({ name }) => name === 'kv-get').capability, null);
  assert.equal(functions.find(({ name }) => name === 'spawn').capability, 'host_process');
  assert.ok(report.exports.includes('astrid-hook-trigger') && report.capabilities.includes('host_process'));
});

test('one that cannot run says why, and what is none throws', async () => {
  const report = inspectComponent(await readFile(guest('wasi-import').file));
  assert.equal(report.runnable, false);
  assert.match(report.problems[0], /capsules may import astrid:\* only/);
  assert.throws(() => inspectComponent(Buffer.from('PK')), { code: 'component_invalid' });
  assert.throws(() => inspectComponent('text'), { code: 'invalid_argument' });
});

test('the command inspects components and packages', async (t) => {
  const folder = await capsuleFolder(t, 'puppet', ['[capabilities]', 'host_process = ["git"]']);
  const component = await run('inspect', join(folder, 'guest.wasm'));
  assert.match(component.stdout, /imports {2}astrid:kv\/host@1\.0\.0[^]*runs here: yes\n$/);
  assert.match((await run('inspect', folder)).stdout, /asks for host_process: git/);
  assert.equal(JSON.parse((await run('inspect', join(folder, 'guest.wasm'), '--json')).stdout).runnable, true);
  await assert.rejects(run('inspect', join(folder, 'nothing.wasm')), ({ code, stderr }) => code === 1 && /nothing\.wasm/.test(stderr));
  await assert.rejects(run('conquer'), ({ code, stderr }) => code === 2 && /usage/.test(stderr));
});

test('the command examines the machine', async () => {
  const { stdout } = await run('doctor');
  assert.ok(stdout.startsWith(`astrid-host  ${version}`));
  assert.match(stdout, /its audit is intact[^]*programs/);
});
