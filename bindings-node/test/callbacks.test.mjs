// Handlers answer now or later; whatever else they do is an error of the call that asked, and never ends the process.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { AstridError } from '../index.mjs';
import { approval, puppet, recorded } from './support.mjs';

const decisionOf = (result) => result.json()[0];
const boom = new TypeError('boom');

const failsWith = (fault, cause) => (error) => {
  assert.ok(error instanceof AstridError);
  assert.equal(error.code, 'callback_failed');
  assert.equal(error.context.fault, fault);
  assert.equal(error.cause, cause);
  return true;
};

test('a question says who asks for what', async (t) => {
  const { handler, questions } = recorded(() => 'approve');
  const { capsule } = await puppet(t, { onApproval: handler });
  const result = await capsule.trigger('script', approval, { principal: 'bob' });
  assert.deepEqual(decisionOf(result).ok, { decision: 'approved' });
  const [{ question, asked }] = questions;
  assert.equal(question.capsule, 'puppet');
  assert.equal(question.principal, 'bob');
  assert.equal(question.action, 'buy');
  assert.equal(question.resource, 'tea');
  assert.ok(question.deadline instanceof Date && question.deadline > new Date());
  assert.equal(asked.signal.aborted, false);
});

test('a Promise is as good as a value', async (t) => {
  const { capsule } = await puppet(t, { onApproval: () => new Promise((resolve) => setImmediate(resolve, 'deny')) });
  assert.equal(decisionOf(await capsule.trigger('script', approval)).ok?.decision ?? decisionOf(await capsule.trigger('script', approval)).err, 'denied');
});

for (const [name, onApproval] of [
  ['thrown', () => { throw boom; }],
  ['rejected', () => Promise.reject(boom)],
  ['thrown by a then', () => ({ get then() { throw boom; } })],
]) {
  test(`an exception that is ${name} is the cause, the very same object`, async (t) => {
    const { capsule } = await puppet(t, { onApproval });
    await assert.rejects(capsule.trigger('script', approval), failsWith('raised', boom));
  });
}

for (const thrown of [undefined, 'text', Object.create(null)]) {
  test(`anything may be thrown: ${typeof thrown}`, async (t) => {
    const { capsule } = await puppet(t, { onApproval: () => { throw thrown; } });
    await assert.rejects(capsule.trigger('script', approval), failsWith('raised', thrown));
  });
}

for (const wrong of [undefined, null, true, 5, 5n, 'yes', ['approve'], { decision: 'approve' }, Symbol('approve')]) {
  test(`${String(wrong)} of type ${typeof wrong} is no decision`, async (t) => {
    const { capsule } = await puppet(t, { onApproval: () => wrong });
    await assert.rejects(capsule.trigger('script', approval), failsWith('wrong_answer', undefined));
    assert.throws(() => capsule.triggerSync('script', approval), failsWith('wrong_answer', undefined));
  });
}

test('no handler denies', async (t) => {
  const { capsule } = await puppet(t, {});
  assert.notEqual(decisionOf(await capsule.trigger('script', approval)).ok?.decision, 'approved');
});

test('an answer that never comes is a timeout, and the handler hears of it', async (t) => {
  const { handler, first } = recorded(() => new Promise(() => {}));
  const { capsule } = await puppet(t, { approvalTimeoutMs: 50, onApproval: handler });
  const result = await capsule.trigger('script', approval);
  assert.equal(decisionOf(result).err, 'timeout');
  const { signal } = (await first).asked;
  // The call is over, so nothing of the host's keeps the process until the handler has heard of it.
  const alive = setInterval(() => {}, 1_000);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  clearInterval(alive);
});

test('an answer after the deadline changes nothing', async (t) => {
  let answer;
  const { capsule } = await puppet(t, { approvalTimeoutMs: 50, onApproval: () => new Promise((resolve) => { answer = resolve; }) });
  assert.equal(decisionOf(await capsule.trigger('script', approval)).err, 'timeout');
  answer('approve');
  assert.equal((await capsule.trigger('echo', 'hello')).json().payload, 'hello');
});

test('a sync trigger asks handlers on its own thread', async (t) => {
  const { handler, questions } = recorded(() => 'approve');
  const { capsule } = await puppet(t, { onApproval: handler });
  assert.deepEqual(decisionOf(capsule.triggerSync('script', approval)).ok, { decision: 'approved' });
  assert.equal(questions.length, 1);
});

test('a sync trigger refuses a Promise at once, and a rejected one ends nothing', async (t) => {
  for (const answer of [() => Promise.resolve('approve'), () => Promise.reject(boom), async () => 'approve']) {
    const { capsule } = await puppet(t, { onApproval: answer });
    assert.throws(() => capsule.triggerSync('script', approval), failsWith('would_block_caller', undefined));
  }
});

test('a sync trigger throws what its handler threw, as the cause', async (t) => {
  const { capsule } = await puppet(t, { onApproval: () => { throw boom; } });
  assert.throws(() => capsule.triggerSync('script', approval), failsWith('raised', boom));
});

test('a question of another call may still be answered by a Promise while a sync trigger runs', async (t) => {
  const answer = ({ principal }) => (principal === 'bob' ? Promise.resolve('approve') : 'approve');
  const { capsule } = await puppet(t, { onApproval: answer });
  const other = capsule.trigger('script', approval, { principal: 'bob' });
  const own = capsule.triggerSync('script', approval, { principal: 'alice' });
  assert.equal(decisionOf(own).ok.decision, 'approved');
  assert.equal(decisionOf(await other).ok.decision, 'approved');
});

test('a handler may use the host', async (t) => {
  let capsule;
  const onApproval = async () => ((await capsule.trigger('echo', 'x')).action === 'continue' ? 'approve' : 'deny');
  ({ capsule } = await puppet(t, { onApproval }));
  assert.equal(decisionOf(await capsule.trigger('script', approval)).ok.decision, 'approved');
});

test('a handler that is no function is refused', async (t) => {
  await assert.rejects(puppet(t, { onApproval: 'approve' }), { code: 'invalid_argument' });
});

test('a Promise may be settled from another thread', async (t) => {
  const worker = new Worker("require('node:worker_threads').parentPort.on('message', (id) => require('node:worker_threads').parentPort.postMessage(id))", { eval: true });
  t.after(() => worker.terminate());
  const onApproval = ({ requestId }) => new Promise((resolve) => {
    worker.on('message', (id) => id === requestId && resolve('approve'));
    worker.postMessage(requestId);
  });
  const { capsule } = await puppet(t, { onApproval });
  assert.deepEqual(decisionOf(await capsule.trigger('script', approval)).ok, { decision: 'approved' });
});

test('closing the host ends a hundred open questions', async (t) => {
  let aborted = 0;
  let opened;
  const allOpen = new Promise((resolve) => { opened = resolve; });
  const { handler, questions } = recorded((_, { signal }) => new Promise(() => {
    signal.addEventListener('abort', () => { aborted += 1; });
    if (questions.length === 100) opened();
  }));
  const { host, capsule } = await puppet(t, { onApproval: handler });
  const calls = Array.from({ length: 100 }, (_, n) => capsule.trigger('script', approval, { principal: `p${n}` }));
  const ends = Promise.allSettled(calls);
  await allOpen;
  await host.close();
  // Either the guest still sees the refusal and ends, or it is stopped first; nobody was permitted anything.
  for (const { value, reason } of await ends) {
    if (reason) assert.ok(['closed', 'cancelled'].includes(reason.code), reason.code);
    else assert.notEqual(decisionOf(value).ok?.decision, 'approved');
  }
  while (aborted < 100) await new Promise(setImmediate);
});

test('what was approved is listed and taken back', async (t) => {
  const answers = ['approve_session', 'deny'];
  const { host, capsule } = await puppet(t, { onApproval: () => answers.shift() });
  assert.deepEqual(decisionOf(await capsule.trigger('script', approval, { principal: 'alice' })).ok, { decision: 'approved-session' });
  const [kept, ...others] = await host.allowances('alice');
  assert.equal(others.length, 0);
  assert.deepEqual([kept.principal, kept.capsule, kept.action, kept.resource, kept.sessionOnly], ['alice', 'puppet', 'buy', 'tea', true]);
  assert.deepEqual(await host.allowances('bob'), []);
  assert.equal(await host.revokeAllowance('bob', kept.id), false);
  assert.equal(await host.revokeAllowance('alice', kept.id), true);
  assert.equal(decisionOf(await capsule.trigger('script', approval, { principal: 'alice' })).ok.decision, 'denied');
  await assert.rejects(host.allowances('no such name!'), { code: 'invalid_argument' });
});

test('a thousand questions at once are all answered', async (t) => {
  const { handler, questions } = recorded(() => 'approve');
  const { capsule } = await puppet(t, { onApproval: handler, maxPrincipals: 2000 });
  const calls = Array.from({ length: 1000 }, (_, n) => capsule.trigger('script', approval, { principal: `p${n}` }));
  const results = await Promise.all(calls);
  assert.equal(questions.length, 1000);
  assert.ok(results.every((result) => decisionOf(result).ok.decision === 'approved'));
});
