// A typed program: it is never run, it only has to hold.

import { AstridError, CapsuleChanges, Host, errorKinds } from 'astrid-host';
import type {
  ApprovalQuestion, Capsule, CapsuleChange, Checkpoint, Decision, ErrorKind, HookResult, LogLine, Message, Profile,
} from 'astrid-host';

const decide = async ({ resource }: ApprovalQuestion): Promise<Decision> => (resource === 'tea' ? 'approve' : 'deny');

await using host: Host = await Host.open(new URL('file:///tmp/home'), {
  onElicit: ({ kind, options }) => (kind === 'select' ? (options[0] ?? null) : kind === 'array' ? ['a'] : 'text'),
  onApproval: decide,
  onUplink: (event, { signal }) => (event.event === 'message' && !signal.aborted && event.content ? 'delivered' : 'dropped'),
  onLog: ({ level, message, time }: LogLine) => console.log(level, message, time.toISOString()),
  onCheckpoint: async ({ entries, head, timeNs }: Checkpoint) => console.log(entries, head, timeNs + 1n),
  elicitTimeoutMs: 1_000,
  defaultProfile: { groups: ['agent'], quotas: { max_memory_bytes: 'unlimited' } },
  expectedCheckpoint: { entries: 1, head: '00' },
  secretKey: new Uint8Array(32),
  audit: { powerOperations: ['kv.*'], mergeWithinMs: 10 },
  restart: { enabled: false },
  instances: { most: 1 },
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

const { found } = await host.discover(['capsules', new URL('file:///tmp/capsules')]);
const inspection = await host.inspect(found[0]?.path ?? 'capsule');
await host.install('capsule', { hash: inspection.hash, acceptNewCapabilities: inspection.changes.added.length === 0 });
const bytes: Uint8Array = await capsule.staticFile('README.md');
console.log(bytes.length, capsule.manifest.package.version, capsule.generation, capsule.restarts, capsule.failure?.length);

for await (const change of await host.watch('capsules', { reload: true })) {
  const one: CapsuleChange = change;
  if (one.error?.code === 'hash_mismatch') break;
}

const profile: Profile = await host.profile('alice');
await host.setProfile('alice', { ...profile, enabled: false });
await host.publish('a.b', {}, { principal: 'alice', fanOut: 3 });
await host.rotateKeys({ secretKey: new Uint8Array(32) });
await host.audit.export(process.stdout, { principal: 'alice' });
const checkpoint: Checkpoint = await host.audit.checkpoint();
const metrics: string = await host.metrics();
console.log(checkpoint.signature, metrics);

// @ts-expect-error changes are watched, not made
new CapsuleChanges();
// @ts-expect-error a load is not pinned by a hash
await host.load('capsule', { hash: '00' });
// @ts-expect-error a decision is one of four words
await Host.open('home', { onApproval: () => 'yes' });
// @ts-expect-error a host is opened, not made
new Host();
// @ts-expect-error a sync trigger cannot be aborted
capsule.triggerSync('greet', '', { signal: AbortSignal.timeout(1) });
