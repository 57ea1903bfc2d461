// A small agent host: it installs one capsule, answers what the capsule asks, and shows what came of it.
//
//   node examples/node/agent.mjs

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Host } from '../../bindings-node/index.mjs';

const concierge = new URL('../capsules/concierge', import.meta.url);

/** What a person would type when the capsule is installed: a text, a choice, a secret. */
const answers = { name: 'Ada', tone: 'formal', 'api-token': 's3cret' };

/** Tea is fine, whatever it costs; nothing else is. */
const decide = ({ resource }) => (resource.startsWith('tea') ? 'approve' : 'deny');

/** Messages to people outside end here. */
function deliver(event) {
  if (event.event === 'message') {
    console.log(`uplink ${event.platform}/${event.platformUserId}: ${event.content}`);
  }
  return 'delivered';
}

const home = await mkdtemp(join(tmpdir(), 'astrid-agent-'));
const host = await Host.open(home, {
  onElicit: ({ key }) => answers[key] ?? null,
  onApproval: decide,
  onUplink: deliver,
});
try {
  const installed = await host.install(concierge, { principal: 'alice' });
  console.log(`installed ${installed.id} ${installed.version}`);

  const capsule = await host.load(concierge, { principal: 'alice' });
  await capsule.waitReady({ timeoutMs: 10_000 });

  for (const principal of ['alice', 'bob']) {
    const greeting = await capsule.trigger('greet', '', { principal });
    console.log(`greet ${principal}: ${greeting.data}`);
  }

  for (const wish of [{ item: 'tea', price: 3 }, { item: 'yacht', price: 1_000_000 }]) {
    const bought = await capsule.trigger('buy', wish, { principal: 'alice' });
    console.log(`buy ${wish.item}: ${bought.data}`);
  }

  await capsule.trigger('notify', { user: 'ann', text: 'Your tea is on its way.' }, { principal: 'alice' });

  const replies = host.subscribe('concierge.v1.answer.*');
  await host.publish('concierge.v1.ask.demo', '"Is there tea?"', { principal: 'alice' });
  for await (const reply of replies) {
    console.log(`bus: ${reply.json().answer}`);
    break;
  }

  for (const principal of ['alice', 'bob']) {
    const { triggers, storedBytes } = await host.usage(principal);
    console.log(`usage ${principal}: ${triggers} triggers, ${storedBytes} bytes stored`);
  }

  for (const { seq, operation, principal, outcome, subject } of await host.audit.entries()) {
    const [number, what, who] = [String(seq).padStart(3), operation.padEnd(27), (principal ?? '-').padEnd(8)];
    console.log(`  ${number} ${what} ${who} ${outcome.padEnd(9)} ${subject}`);
  }

  const { intact, entries } = await host.audit.verify();
  console.log(`audit: ${entries} entries, ${intact ? 'verified' : 'NOT verified'}`);
  if (!intact) process.exitCode = 1;
} finally {
  await host.close();
  await rm(home, { recursive: true });
}
