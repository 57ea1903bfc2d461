// A typed program: it is never run, it only has to hold.

import { AstridError, Host, errorKinds } from 'astrid-host';
import type { ApprovalQuestion, Capsule, Decision, ErrorKind, HookResult, Message } from 'astrid-host';

const decide = async ({ resource }: ApprovalQuestion): Promise<Decision> => (resource === 'tea' ? 'approve' : 'deny');

await using host: Host = await Host.open(new URL('file:///tmp/home'), {
  onElicit: ({ kind, options }) => (kind === 'select' ? (options[0] ?? null) : kind === 'array' ? ['a'] : 'text'),
  onApproval: decide,
  onUplink: (event, { signal }) => (event.event === 'message' && !signal.aborted && event.content ? 'delivered' : 'dropped'),
  elicitTimeoutMs: 1_000,
  quotas: { maxMemoryBytes: 1 << 20, maxCpuFuelPerSec: 'unlimited' },
});

const capsule: Capsule = await host.load('capsule', { principal: 'alice', attenuate: ['kv'] });
await capsule.waitReady({ timeoutMs: 10, signal: AbortSignal.timeout(20) });
const result: HookResult = await capsule.trigger('greet', { to: ['ann'] }, { timeoutMs: 5 });
const action: string = capsule.triggerSync('greet', new Uint8Array(3)).action;
const data: string | null = result.data;

for await (const message of host.subscribe('a.*')) {
  const one: Message = message;
  console.log(one.topic, one.attribution === 'verified', action, data);
}

try {
  await host.publish('a.b', { n: 1 });
} catch (error) {
  if (error instanceof AstridError) {
    const kind: ErrorKind = error.code;
    console.log(errorKinds[kind], error.context['capsule'], error.cause);
  }
}

const [entry] = await host.audit.entries({ outcome: 'denied', limit: 1 });
const time: bigint | undefined = entry?.timeNs;
console.log(time);

// @ts-expect-error a decision is one of four words
await Host.open('home', { onApproval: () => 'yes' });
// @ts-expect-error a host is opened, not made
new Host();
// @ts-expect-error a sync trigger cannot be aborted
capsule.triggerSync('greet', '', { signal: AbortSignal.timeout(1) });
