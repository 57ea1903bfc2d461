// Packages, principals and keeping a home: what JavaScript sees of them beyond what the scenarios show.

import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';

import { AstridError, Capsule, CapsuleChanges, Host } from '../index.mjs';
import { capsuleFolder, folder, guest, open, puppet } from './support.mjs';

const has = (code) => (error) => error instanceof AstridError && error.code === code;
const described = ['[[context_file]]', 'name = "notes"', 'file = "notes.md"'];

test('a package is looked at and found before it is installed', async (t) => {
  const host = await open(t, {});
  const path = await capsuleFolder(t, 'puppet');
  const { id, hash, manifest, installed, changes } = await host.inspect(path);
  assert.deepEqual([id, hash, installed, changes], ['puppet', guest('puppet').hash, null, { added: [], removed: [] }]);
  assert.equal(manifest.package.name, 'puppet');
  await assert.rejects(host.install(path, { hash: 'ab'.repeat(32) }), has('hash_mismatch'));
  await host.install(path, { hash });
  assert.deepEqual((await host.inspect(path)).installed, { version: '1.0.0', hash });
  const { found, warnings } = await host.discover([path, new URL('file:///nowhere')]);
  assert.deepEqual(found.map((one) => [one.id, one.path, one.manifest.package.version]), [['puppet', path, '1.0.0']]);
  assert.equal(warnings.length, 1);
  await assert.rejects(host.discover(path), has('invalid_argument'));
});

test('a capsule says where it is in its life', async (t) => {
  const { host, capsule } = await puppet(t, {}, described);
  assert.deepEqual([capsule.generation, capsule.restarts, capsule.failure], [1, 0, null]);
  assert.equal(capsule.manifest.context_files[0].file, 'notes.md');
  await capsule.reload();
  assert.equal((await host.reload('puppet')).generation, 3);
  assert.equal(capsule.generation, 3);
  assert.ok(host.capsule('puppet') instanceof Capsule);
  assert.throws(() => host.capsule('nobody'), has('not_found'));
  await host.uninstall('puppet');
  assert.equal(capsule.state, 'unloaded');
  await assert.rejects(host.uninstall('puppet'), has('not_installed'));
});

test('a declared file comes as bytes', async (t) => {
  const host = await open(t, {});
  const path = await capsuleFolder(t, 'puppet', described);
  await writeFile(join(path, 'notes.md'), Uint8Array.of(0, 255, 10));
  const capsule = await host.load(path);
  const bytes = await capsule.staticFile('notes.md');
  assert.ok(bytes instanceof Uint8Array);
  assert.deepEqual([...bytes], [0, 255, 10]);
  await assert.rejects(capsule.staticFile('Capsule.toml'), has('not_found'));
});

test('a watch is an async iterator that says how reloading went', async (t) => {
  const host = await open(t, {});
  const path = await capsuleFolder(t, 'puppet');
  const capsule = await host.load(path);
  const changes = await capsule.watch({ reload: true });
  assert.ok(changes instanceof CapsuleChanges);
  await appendFile(join(path, 'Capsule.toml'), '# a word\n');
  const { value: first } = await changes.next();
  assert.deepEqual(first, { folder: path, gone: false, id: 'puppet', reloaded: true, error: null });
  await appendFile(join(path, 'guest.wasm'), 'x');
  const { value: second } = await changes.next();
  assert.equal(second.reloaded, false);
  assert.ok(has('hash_mismatch')(second.error));
  const waiting = changes.next();
  changes.close();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.deepEqual(await changes.next(), { done: true, value: undefined });
});

test('a watch ends with its host, and refuses what cannot be watched', async (t) => {
  const host = await open(t, {});
  const path = await folder(t);
  const waiting = (await host.watch(path)).next();
  await assert.rejects(host.watch(join(path, 'nowhere')), has('not_found'));
  await assert.rejects(host.watch(path, { reload: 'yes' }), has('invalid_argument'));
  await host.close();
  assert.equal((await waiting).done, true);
  await assert.rejects(host.watch(path), has('closed'));
});

test('a verb can be aborted', async (t) => {
  const host = await open(t, {});
  const path = await capsuleFolder(t, 'puppet');
  const reason = new Error('enough');
  const options = () => {
    const abort = new AbortController();
    queueMicrotask(() => abort.abort(reason));
    return { signal: abort.signal };
  };
  for (const call of [
    () => host.install(path, options()),
    () => host.inspect(path, options()),
    () => host.discover([path], options()),
    () => host.loadAll(path, options()),
    () => host.watch(path, options()),
    () => host.audit.export(join(path, 'audit.jsonl'), options()),
  ]) {
    await assert.rejects(call, (error) => error === reason, String(call));
  }
  assert.deepEqual(host.capsules, []);
});

test('a profile is an object as its file is', async (t) => {
  const defaultProfile = { quotas: { max_in_flight_calls: 3 } };
  const { host, capsule } = await puppet(t, { defaultProfile });
  assert.equal((await host.profile('bob')).quotas.max_in_flight_calls, 3);
  await host.setProfile('bob', { enabled: false, quotas: { max_memory_bytes: 'unlimited' } });
  const profile = await host.profile('bob');
  assert.deepEqual([profile.enabled, profile.quotas.max_memory_bytes, profile.groups], [false, 'unlimited', []]);
  await assert.rejects(capsule.trigger('echo', '', { principal: 'bob' }), has('principal_refused'));
  await host.setProfile('bob', { ...profile, enabled: true });
  await capsule.trigger('echo', '', { principal: 'bob' });
  assert.deepEqual(await host.principals(), ['alice', 'bob']);
  await host.removePrincipal('bob');
  assert.deepEqual(await host.principals(), ['alice']);
  for (const wrong of [null, 5, [], { enabled: 'no' }, { quotas: { max_memory_bytes: 0 } }, 5n]) {
    await assert.rejects(host.setProfile('bob', wrong), has('invalid_argument'), String(wrong));
  }
  await assert.rejects(host.profile(5), has('invalid_argument'));
});

test('the types name every quota and every counter', async (t) => {
  const { host } = await puppet(t, {});
  const fields = async (file, type) => {
    const text = await readFile(new URL(`../types/${file}.d.ts`, import.meta.url), 'utf8');
    const [, body] = text.match(new RegExp(`interface ${type} \\{([^}]*)\\}`));
    return [...body.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name).sort();
  };
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const { quotas } = await host.profile('alice');
  assert.deepEqual(await fields('options', 'Quotas'), Object.keys(quotas).map(camel).sort());
  assert.deepEqual(await fields('usage', 'Usage'), Object.keys(await host.usage('alice')).sort());
});

test('changes in an overlay are committed or rolled back, where there is one', async (t) => {
  const workspace = await folder(t);
  const { capsule } = await puppet(t, { workspace, workspaceMode: 'overlay' });
  assert.equal(await capsule.commit('alice'), 0);
  await capsule.rollback('alice');
  await assert.rejects(capsule.commit(), has('invalid_argument'));
  const direct = await puppet(t, { workspace });
  await assert.rejects(direct.capsule.commit('alice'), has('invalid_argument'));
  await assert.rejects(open(t, { workspace, workspaceMode: 'both' }), has('invalid_argument'));
});

test('a home is copied, gets new keys, and the program may keep the one for secrets', async (t) => {
  const path = await folder(t);
  const [key, next] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const home = join(path, 'home');
  const host = await Host.open(home, { secretKey: key });
  await host.backup(join(path, 'copy'));
  await assert.rejects(host.backup(join(path, 'copy')), has('invalid_argument'));
  await assert.rejects(host.rotateKeys(), has('invalid_argument'));
  for (const wrong of [next.subarray(1), 'text', [...next]]) {
    await assert.rejects(host.rotateKeys({ secretKey: wrong }), has('invalid_argument'));
  }
  await host.rotateKeys({ secretKey: next });
  assert.equal((await host.audit.verify()).intact, true);
  await host.close();
  await assert.rejects(Host.open(home, { secretKey: key }), has('home_unusable'));
  await (await Host.open(home, { secretKey: next })).close();
  await (await Host.open(join(path, 'copy'), { secretKey: key })).close();
  await assert.rejects(Host.open(home, { secretKey: 'x'.repeat(32) }), has('invalid_argument'));
});

test('the audit is exported to a stream, and a filter applies', async (t) => {
  const { host, capsule } = await puppet(t, {});
  for (let n = 0; n < 300; n += 1) await capsule.trigger('echo', '');
  const file = join(await folder(t), 'all.jsonl');
  await host.audit.export(createWriteStream(file));
  const lines = (await readFile(file, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.length > 300 && lines.every((line) => line !== null));
  let text = '';
  const web = new WritableStream({ write: (piece) => { text += new TextDecoder().decode(piece); } });
  await host.audit.export(web, { operation: 'capsule.trigger', limit: 2 });
  assert.equal(text.trim().split('\n').length, 2);
  await assert.rejects(host.audit.export(web, { outcome: 'fine' }), has('invalid_argument'));
  await assert.rejects(host.audit.export(5), has('invalid_argument'));
});

test('a stream that fails ends the export with its own error, and one that is slow holds nothing up', async (t) => {
  const { host, capsule } = await puppet(t, {});
  const full = new Error('the disk is full');
  const failing = new Writable({ write: (_piece, _encoding, done) => done(full) });
  await assert.rejects(host.audit.export(failing), (error) => error === full);
  const stuck = new Writable({ write: () => {}, highWaterMark: 1 });
  const abort = new AbortController();
  const exporting = host.audit.export(stuck, { signal: abort.signal });
  await capsule.trigger('echo', '');
  abort.abort(full);
  await assert.rejects(exporting, (error) => error === full);
  const cutOff = assert.rejects(host.audit.export(new Writable({ write: () => {}, highWaterMark: 1 })), has('closed'));
  await host.close();
  await cutOff;
});

test('what is counted is a text', async (t) => {
  const { host, capsule } = await puppet(t, {});
  await capsule.trigger('echo', '');
  assert.match(await host.metrics(), /astrid_triggers_total\{capsule="puppet",outcome="[a-z]+"\} 1\n/);
});

test('the host tells whether programs can run here', async (t) => {
  const host = await open(t, {});
  const { limits, ...works } = await host.diagnose();
  assert.deepEqual(works, { processes: true, missing: [], sandbox: '/usr/bin/bwrap' });
  assert.deepEqual([limits.cpu, limits.files, limits.memory], ['rlimit', 'rlimit', limits.pids]);
  assert.ok(['cgroup', 'rlimit'].includes(limits.memory));
  const without = await open(t, { processes: { bubblewrap: '/nowhere/bwrap' } });
  const found = await without.diagnose();
  assert.equal(found.processes, false);
  assert.match(found.missing[0], /bubblewrap/);
  await assert.rejects(open(t, { processes: { limits: { pids: 0 } } }), { code: 'invalid_argument' });
});

test('users have accounts on outside platforms', async (t) => {
  const host = await open(t, {});
  const ada = await host.createUser({ displayName: 'Ada', principal: 'ada' });
  const other = await host.createUser();
  assert.deepEqual([ada.principal, ada.displayName, other.displayName], ['ada', 'Ada', null]);
  await host.linkAccount(ada.id, { platform: ' Chat ', account: '42', method: 'code' });
  const [link] = await host.links(ada.id);
  assert.deepEqual([link.platform, link.platformUserId, link.user, link.method], ['chat', '42', ada.id, 'code']);
  const taken = host.linkAccount(other.id, { platform: 'chat', account: '42', method: 'code' });
  await assert.rejects(taken, { code: 'invalid_argument' });
  await assert.rejects(host.unlinkAccount({ platform: 'chat', account: '43' }), { code: 'not_found' });
  assert.equal((await host.users()).length, 2);
  await host.unlinkAccount({ platform: 'chat', account: '42' });
  assert.deepEqual(await host.links(ada.id), []);
  assert.equal(await host.removeUser(ada.id), true);
  assert.equal(await host.removeUser(ada.id), false);
});

test('a message may be held to a fan-out', async (t) => {
  const host = await open(t, {});
  const [first, second] = [host.subscribe('a.b'), host.subscribe('a.b')];
  assert.equal((await host.publish('a.b', {}, { fanOut: 1 })).delivered, 1);
  for (const fanOut of [-1, 0.5, NaN]) await assert.rejects(host.publish('a.b', {}, { fanOut }), has('invalid_argument'));
  await assert.rejects(host.publish('a.b', {}, { fanOut: '1' }), has('invalid_argument'));
  first.close();
  second.close();
});

test('options are read whole', async (t) => {
  const options = {
    readyWithinMs: 5_000,
    authenticatedUplinks: ['chat'],
    audit: { powerOperations: ['capsule.*'], entriesPerSec: 10, bytesPerSec: 4096, mergeWithinMs: 0 },
    restart: { enabled: true, firstMs: 0, mostMs: 10, attempts: 2, recoveryMs: 5 },
    instances: { warm: 1, most: 2, idleMs: 100 },
    codeCache: false,
  };
  await open(t, options);
  const home = await folder(t);
  for (const wrong of [
    { audit: { entriesPerSec: 0 } }, { audit: { powerOperation: [] } }, { instances: { most: 0 } }, { restart: { firstMs: -1 } },
    { defaultProfile: { enabled: 5 } }, { defaultProfile: 'none' }, { codeCache: 'no' }, { authenticatedUplinks: [5] }, { fun: 1 },
  ]) {
    await assert.rejects(Host.open(home, wrong), has('invalid_argument'), JSON.stringify(wrong));
  }
});
