// Handlers that are only told things: what they hear, and what becomes of their exceptions.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

import { Host } from '../index.mjs';
import { capsuleFolder, folder, open, puppet } from './support.mjs';

/** A script for the puppet that logs one line for each text. */
const logging = (...lines) => ({ calls: lines.map((message) => ({ op: 'sys.log', args: { level: 'warn', message } })) });

/** A handler that remembers what it was told, and waits for it. */
function heard(then = () => {}) {
  const news = [];
  let wake = () => {};
  const handler = (one) => {
    news.push(one);
    wake();
    return then(one);
  };
  const atLeast = async (count) => {
    // Waiting to be told something is no call, and keeps no process up.
    const alive = setInterval(() => {}, 1000);
    while (news.length < count) await new Promise((resolve) => { wake = resolve; });
    clearInterval(alive);
    return news;
  };
  return { handler, news, atLeast };
}

test('a line says who logged what, and when', async (t) => {
  const { handler, atLeast } = heard();
  const { capsule } = await puppet(t, { onLog: handler });
  await capsule.trigger('script', logging('hello'), { principal: 'bob' });
  const [{ time, ...line }] = await atLeast(1);
  assert.deepEqual(line, { capsule: 'puppet', principal: 'bob', level: 'warn', message: 'hello', lost: 0 });
  assert.ok(time instanceof Date && Math.abs(time - Date.now()) < 60_000);
});

test('lines come in order, and every one is told before the host is closed', async (t) => {
  const { handler, news } = heard();
  const { host, capsule } = await puppet(t, { onLog: handler });
  const wanted = Array.from({ length: 600 }, (_, n) => `line ${n}`);
  // While this thread waits nobody takes them, so they fill every queue on the way.
  for (let n = 0; n < wanted.length; n += 60) capsule.triggerSync('script', logging(...wanted.slice(n, n + 60)));
  await host.close();
  assert.deepEqual(news.map(({ message }) => message), wanted);
});

test('a checkpoint is told when it is on the disk, and proves later what the log held', async (t) => {
  const { handler, news } = heard();
  const home = join(await folder(t), 'home');
  const first = await Host.open(home, { onCheckpoint: handler });
  const signed = await first.audit.checkpoint();
  assert.deepEqual(news.map(({ sequence }) => sequence), [signed.sequence]);
  assert.deepEqual(news[0], signed);
  assert.equal(typeof signed.timeNs, 'bigint');
  assert.equal(signed.publicKey, await first.audit.publicKey());
  await first.close();
  const { entries, head } = news.at(-1);
  await (await Host.open(home, { expectedCheckpoint: { entries, head } })).close();
  const expected = { entries, head: 'ab'.repeat(32) };
  await assert.rejects(Host.open(home, { expectedCheckpoint: expected }), { code: 'audit_unavailable' });
  await assert.rejects(Host.open(home, { expectedCheckpoint: { entries, head: 'ab' } }), { code: 'invalid_argument' });
});

const boom = new TypeError('boom');

for (const [name, fail] of [
  ['throws', () => { throw boom; }],
  ['rejects', async () => { throw boom; }],
]) {
  test(`a handler that ${name} is a warning, and hears the next line`, async (t) => {
    const { handler, atLeast } = heard(fail);
    const { capsule } = await puppet(t, { onLog: handler });
    const warned = once(process, 'warning');
    await capsule.trigger('script', logging('one', 'two'));
    assert.equal((await atLeast(2))[1].message, 'two');
    const [warning] = await warned;
    assert.equal(warning.name, 'AstridHandlerWarning');
    assert.match(warning.message, /onLog failed: TypeError: boom/);
    assert.equal(warning.cause, boom);
  });
}

test('a handler that answers with a Promise hears the next when it is done, and the rest when the host is closed', async (t) => {
  let [open, running, most] = [() => {}, 0, 0];
  const gate = new Promise((resolve) => { open = resolve; });
  const { handler, news, atLeast } = heard(async () => {
    running += 1;
    most = Math.max(most, running);
    await gate;
    running -= 1;
  });
  const { host, capsule } = await puppet(t, { onLog: handler });
  await capsule.trigger('script', logging('one', 'two', 'three'));
  await atLeast(1);
  assert.equal(news.length, 1);
  open();
  await atLeast(3);
  assert.equal(most, 1);
  await capsule.trigger('script', logging('four', 'five'));
  await host.close();
  assert.deepEqual(news.map(({ message }) => message), ['one', 'two', 'three', 'four', 'five']);
});

test('a handler may close its own host', async (t) => {
  const host = await open(t, { onLog: () => host.close() });
  const capsule = await host.load(await capsuleFolder(t, 'puppet'));
  await capsule.trigger('script', logging('enough')).catch(() => {});
  await host.close();
  assert.equal(host.closed, true);
});

test('a handler that is no function is refused', async (t) => {
  for (const options of [{ onLog: 'console' }, { onCheckpoint: {} }]) {
    await assert.rejects(open(t, options), { code: 'invalid_argument' });
  }
});
