// Triggers, aborting, subscriptions, the audit, and what a closed host answers.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

import { AstridError, Host } from '../index.mjs';
import { approval, capsuleFolder, folder, guest, manifestOf, open, puppet, recorded } from './support.mjs';

const endless = { calls: [{ op: 'spin' }] };
/** So that an endless guest is stopped by what the test says, not by its fuel. */
const tireless = { quotas: { maxCpuFuelPerSec: 'unlimited' } };
const has = (code) => (error) => error instanceof AstridError && error.code === code;

test('a payload is text, bytes, or any JSON value', async (t) => {
  const { capsule } = await puppet(t, {});
  const echoed = async (payload) => (await capsule.trigger('echo', payload)).json().payload;
  assert.equal(await echoed('text'), 'text');
  assert.equal(await echoed(new TextEncoder().encode('bytes')), 'bytes');
  assert.equal(await echoed([1, { a: null }]), '[1,{"a":null}]');
  assert.equal(await echoed(undefined), '');
  await assert.rejects(capsule.trigger('echo', 5n), has('invalid_argument'));
  await assert.rejects(capsule.trigger('echo', () => {}), has('invalid_argument'));
  assert.equal(capsule.triggerSync('echo', 'now').json().payload, 'now');
});

test('aborting stops the guest and rejects with the reason', async (t) => {
  const { handler, first } = recorded(() => 'approve');
  const { host, capsule } = await puppet(t, { ...tireless, onApproval: handler });
  const controller = new AbortController();
  const reason = new Error('enough');
  const script = { calls: [...approval.calls, ...endless.calls] };
  const call = capsule.trigger('script', script, { signal: controller.signal });
  assert.equal(getEventListeners(controller.signal, 'abort').length, 1);
  await first;
  controller.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  // The guest's entry in the audit says that it is gone.
  const filter = { operation: 'capsule.trigger', outcome: 'cancelled' };
  while ((await host.audit.entries(filter)).length === 0) await new Promise(setImmediate);
  await assert.rejects(capsule.trigger('echo', '', { signal: controller.signal }), (error) => error === reason);
});

test('a call that ends by itself lets go of its signal', async (t) => {
  const { capsule } = await puppet(t, {});
  const { signal } = new AbortController();
  await capsule.trigger('echo', '', { signal });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('a deadline ends a trigger, also a sync one', async (t) => {
  const { capsule } = await puppet(t, tireless);
  await assert.rejects(capsule.trigger('script', endless, { timeoutMs: 100 }), has('timeout'));
  assert.throws(() => capsule.triggerSync('script', endless, { timeoutMs: 100 }), has('timeout'));
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    await assert.rejects(capsule.trigger('echo', '', { timeoutMs }), has('invalid_argument'));
  }
});

test('a trap carries the guest\'s backtrace', async (t) => {
  const { capsule } = await puppet(t, {});
  await assert.rejects(capsule.trigger('script', { calls: [{ op: 'trap' }] }), (error) => {
    assert.equal(error.code, 'guest_trap');
    assert.match(error.guestBacktrace, /puppet/);
    return true;
  });
});

test('a fault is a trap however it is found', async (t) => {
  const [home, path] = [join(await folder(t), 'home'), await capsuleFolder(t, 'stray')];
  // The same home: compiled code of the one kind is never taken for the other's.
  for (const signalTraps of [true, false, true]) {
    const host = await Host.open(home, { signalTraps });
    const stray = await host.load(path);
    await assert.rejects(stray.trigger('go'), has('guest_trap'));
    assert.throws(() => stray.triggerSync('go'), has('guest_trap'));
    await host.close();
  }
});

test('a subscription is an async iterator', async (t) => {
  const host = await open(t, {});
  const messages = host.subscribe('news.*');
  const published = await host.publish('news.today', { n: 1 });
  assert.equal(published.delivered, 1);
  await host.publish('news.today', { n: 2 }, { principal: 'alice' });
  const seen = [];
  for await (const message of messages) {
    seen.push([message.topic, message.json().n, message.attribution, message.principal]);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, [['news.today', 1, 'system', null], ['news.today', 2, 'verified', 'alice']]);
  assert.deepEqual(await messages.next(), { done: true, value: undefined });
  assert.equal((await host.publish('news.today', {})).delivered, 0);
});

test('a message that is there is taken without waiting', async (t) => {
  const host = await open(t, {});
  const messages = host.subscribe('a.b');
  assert.equal(messages.take(), null);
  await host.publish('a.b', { n: 1 });
  assert.equal(messages.take().json().n, 1);
  await host.publish('a.b', { n: 2 });
  messages.close();
  assert.equal(messages.take(), null);
  await host.close();
  assert.equal(messages.take(), null);
});

test('return() ends a next() that waits, and so does closing the host', async (t) => {
  const host = await open(t, {});
  const [first, second] = [host.subscribe('a.b'), host.subscribe('a.b')];
  const waiting = [first.next(), second.next()];
  assert.deepEqual(await first.return('x'), { done: true, value: 'x' });
  assert.equal((await waiting[0]).done, true);
  await host.close();
  assert.equal((await waiting[1]).done, true);
  assert.equal((await second.next()).done, true);
});

test('a malformed pattern is refused', async (t) => {
  const host = await open(t, {});
  assert.throws(() => host.subscribe('a.*.b'), has('invalid_argument'));
});

test('a capsule is loaded from memory, and only with the right hash', async (t) => {
  const host = await open(t, {});
  const bytes = await readFile(guest('puppet').file);
  const wrong = 'ab'.repeat(32);
  await assert.rejects(host.loadComponent(bytes, manifestOf('puppet'), wrong), has('hash_mismatch'));
  const capsule = await host.loadComponent(bytes, manifestOf('puppet'), guest('puppet').hash, { principal: 'alice' });
  await capsule.waitReady({ timeoutMs: 10_000 });
  const seen = [capsule.id, capsule.version, capsule.hash, capsule.state];
  assert.deepEqual(seen, ['puppet', '1.0.0', guest('puppet').hash, 'completed']);
  assert.deepEqual(host.capsules.map(({ id }) => id), ['puppet']);
  await assert.rejects(host.loadComponent(bytes, manifestOf('puppet'), guest('puppet').hash), has('already_loaded'));
  await capsule.unload();
  assert.equal(capsule.state, 'unloaded');
  assert.deepEqual(host.capsules, []);
});

test('the audit is read, verified and exported', async (t) => {
  const { host, capsule } = await puppet(t, {});
  await capsule.trigger('echo', 'x', { principal: 'bob' });
  const [entry] = await host.audit.entries({ operation: 'capsule.trigger', principal: 'bob' });
  assert.equal(entry.capsule, 'puppet');
  assert.equal(entry.outcome, 'allowed');
  assert.equal(typeof entry.timeNs, 'bigint');
  const verification = await host.audit.verify();
  assert.equal(verification.intact, true);
  assert.deepEqual(verification.findings, []);
  const file = join(await folder(t), 'audit.jsonl');
  await host.audit.export(file);
  const lines = (await readFile(file, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.some(({ hash }) => hash === entry.hash));
  await assert.rejects(host.audit.export(join(file, 'nowhere')), has('invalid_argument'));
  assert.match(await host.audit.publicKey(), /^[0-9a-f]{64}$/);
  await assert.rejects(host.audit.entries({ outcome: 'fine' }), has('invalid_argument'));
  const usage = await host.usage('bob');
  assert.equal(usage.triggers, 1);
  await assert.rejects(host.usage('nobody'), has('principal_refused'));
});

test('options are checked', async (t) => {
  const home = await folder(t);
  await assert.rejects(Host.open(home, { elicitTimeout: 5 }), has('invalid_argument'));
  await assert.rejects(Host.open(home, { quotas: { maxMemoryBytes: 0 } }), has('invalid_argument'));
  await assert.rejects(Host.open(home, { quotas: { maxFun: 1 } }), has('invalid_argument'));
  await assert.rejects(Host.open(5), has('invalid_argument'));
  assert.throws(() => new Host(), TypeError);
});

test('what is said about the network is checked, and the entry named', async (t) => {
  const home = await folder(t);
  for (const [name, network] of [
    ['`network.local_egress` of `main`', { localEgress: { main: ['127.0.0.1:80', '*:80'] } }],
    ['`network.public_binds` of `main`', { publicBinds: { main: ['192.0.2.1'] } }],
    ['`network.dns_servers`', { dnsServers: ['localhost:53'] }],
    ['`network.tls_roots`', { tlsRoots: 'trust me' }],
    ['airlock', { airlock: false }],
    ['', { localEgress: ['127.0.0.1:80'] }],
    ['', { httpTotalMs: -1 }],
  ]) {
    const refused = (error) => has('invalid_argument')(error) && error.message.includes(name);
    await assert.rejects(Host.open(home, { network }), refused, JSON.stringify(network));
  }
  const network = {
    localEgress: { main: ['127.0.0.1:5432', 'db.local:*'] },
    publicBinds: { main: ['192.0.2.1:80'] },
    dnsServers: ['127.0.0.1:53', '[::1]:53'],
    httpConnectMs: 1000,
    httpFirstByteMs: 2500,
    httpBetweenBytesMs: 2500,
    httpTotalMs: 30_000,
  };
  await (await open(t, { network })).close();
});

test('a home is open once', async (t) => {
  const home = join(await folder(t), 'home');
  const first = await Host.open(home);
  await assert.rejects(Host.open(home), has('home_locked'));
  await first.close();
  await (await Host.open(home)).close();
});

test('a closed host says so, everywhere', async (t) => {
  const { host, capsule } = await puppet(t, {});
  const pending = capsule.trigger('script', endless);
  const ended = assert.rejects(pending, AstridError);
  await Promise.all([host.close(), host.close()]);
  await ended;
  assert.equal(host.closed, true);
  assert.deepEqual(host.capsules, []);
  const path = await capsuleFolder(t, 'puppet');
  for (const call of [
    () => capsule.trigger('echo'),
    () => capsule.waitReady(),
    () => host.install(path),
    () => host.load(path),
    () => host.loadAll(path),
    () => host.publish('a.b', {}),
    () => host.usage('alice'),
    () => host.configure('puppet', 'a', 'b'),
    () => host.audit.entries(),
    () => host.audit.verify(),
  ]) {
    await assert.rejects(call, has('closed'));
  }
  assert.throws(() => host.subscribe('a.b'), has('closed'));
  assert.throws(() => capsule.triggerSync('echo'), has('closed'));
  // What is gone already need not be let go of.
  await capsule.unload();
  await host.close();
});
