/**
 * Runs Astrid capsules inside a Node.js program.
 *
 * Every method that returns a Promise rejects with an {@link AstridError}; what an `AbortSignal` aborts rejects with the
 * signal's reason instead.
 */

/** The stable kinds of errors, the same in every language. */
export type ErrorKind =
  | 'manifest_invalid'
  | 'component_invalid'
  | 'abi_mismatch'
  | 'hash_mismatch'
  | 'not_installed'
  | 'already_loaded'
  | 'not_found'
  | 'invalid_argument'
  | 'principal_refused'
  | 'capability_denied'
  | 'quota_exceeded'
  | 'timeout'
  | 'cancelled'
  | 'fuel_exhausted'
  | 'memory_exceeded'
  | 'guest_trap'
  | 'not_ready'
  | 'install_failed'
  | 'closed'
  | 'callback_failed'
  | 'home_locked'
  | 'home_unusable'
  | 'store_unavailable'
  | 'audit_unavailable'
  | 'internal';

/** Every kind of error, in the order of their numbers, with one sentence on what each means. */
export const errorKinds: Readonly<Record<ErrorKind, string>>;

/** The version of this package's native module. */
export const version: string;

/** An error of the host. */
export class AstridError extends Error {
  private constructor();
  readonly name: 'AstridError';
  /** What went wrong. */
  readonly code: ErrorKind;
  /** The same as `code`. */
  readonly kind: ErrorKind;
  /** Where it happened: the capsule, the field, the file. */
  readonly context: Readonly<Record<string, string>>;
  /** The guest's own backtrace, one frame a line, if the guest trapped. */
  readonly guestBacktrace: string | null;
  /** What led to it. If a handler of yours threw, this is what it threw. */
  readonly cause?: unknown;
}

/** Any value that `JSON.stringify` takes. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Text and bytes are handed over as they are, any other value as its JSON text. */
export type Payload = Uint8Array | ArrayBuffer | Json;

/** A value, or a Promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** What a handler is given beside its question. */
export interface Asked {
  /** Aborted when nobody waits for the answer any more: the deadline passed, or the call was cancelled. */
  readonly signal: AbortSignal;
}

/** What every question says. */
interface Question {
  /** A UUID. */
  readonly requestId: string;
  readonly capsule: string;
  readonly principal: string;
  /** When the host stops waiting. */
  readonly deadline: Date;
}

/** A question of an install or upgrade hook. Text that the capsule wrote has its control characters made visible. */
export interface ElicitQuestion extends Question {
  readonly phase: 'install' | 'upgrade';
  /** The name under which the answer is kept. */
  readonly key: string;
  /** A secret is stored by the host; the capsule never sees it. */
  readonly kind: 'text' | 'secret' | 'select' | 'array';
  readonly description: string;
  /** What may be chosen, for `select`. */
  readonly options: readonly string[];
  readonly default: string | null;
}

/** Text, a list for `array`, or `null` to cancel. */
export type ElicitAnswer = string | readonly string[] | null;

/** A capsule asks whether it may do something. */
export interface ApprovalQuestion extends Question {
  readonly action: string;
  readonly resource: string;
  /** How dangerous the host takes it to be. */
  readonly risk: string;
}

/** `approve_session` holds until the host is closed, `approve_always` until it is taken back. */
export type Decision = 'deny' | 'approve' | 'approve_session' | 'approve_always';

/** What a question of an uplink says; an uplink is a line from a capsule to people on some platform. */
interface OfUplink {
  readonly capsule: string;
  readonly principal: string;
  /** A UUID. */
  readonly uplinkId: string;
  readonly platform: string;
}

/** An uplink is there, or gone. The answer has no effect. */
export interface UplinkChange extends OfUplink {
  readonly event: 'registered' | 'unregistered';
  readonly name: string;
  readonly profile: string;
}

/** A message came in through an uplink. */
export interface UplinkMessage extends OfUplink {
  readonly event: 'message';
  /** Who wrote it, as the platform names people. */
  readonly platformUserId: string;
  readonly content: string;
  /** Who the writer is here, if a link says so. */
  readonly resolved: string | null;
  /** When the host stops waiting. */
  readonly deadline: Date;
}

/** What an uplink has to tell. */
export type UplinkEvent = UplinkChange | UplinkMessage;

/** What became of an uplink's message. */
export type Delivery = 'delivered' | 'dropped' | 'no_session';

/** How much a principal may use; every quota is at least 1. */
export interface Quotas {
  /** Linear memory of one instance. */
  readonly maxMemoryBytes?: number | 'unlimited';
  /** Wall clock of one trigger, without the time waited for people; at most a day. */
  readonly maxTimeoutSecs?: number;
  /** Bytes published a second by one capsule. */
  readonly maxIpcThroughputBytes?: number | 'unlimited';
  /** Background processes at once. */
  readonly maxBackgroundProcesses?: number;
  /** Bytes one capsule keeps. */
  readonly maxStorageBytes?: number | 'unlimited';
  /** Fuel a second over all capsules. */
  readonly maxCpuFuelPerSec?: number | 'unlimited';
  /** Triggers that run at once. */
  readonly maxInFlightCalls?: number;
  /** Subscriptions of one capsule at once. */
  readonly maxSubscriptions?: number;
  /** Pollables of one instance at once. */
  readonly maxPollables?: number;
}

/** How a host is opened. */
export interface HostOptions {
  /** The folder capsules work in. */
  readonly workspace?: string | URL;
  /** Answers the questions of install hooks; without it they are cancelled. */
  readonly onElicit?: (question: ElicitQuestion, asked: Asked) => Awaitable<ElicitAnswer>;
  /** Decides what capsules may do; without it everything is denied. */
  readonly onApproval?: (question: ApprovalQuestion, asked: Asked) => Awaitable<Decision>;
  /** Takes the messages of uplinks; without it they are dropped. */
  readonly onUplink?: (event: UplinkEvent, asked: Asked) => Awaitable<Delivery>;
  /** The runtime version manifests are compared with. */
  readonly runtimeVersion?: string;
  /** Threads that run guests; 2 by default. */
  readonly workerThreads?: number;
  /** At most 120,000. */
  readonly elicitTimeoutMs?: number;
  /** At most 60,000. */
  readonly approvalTimeoutMs?: number;
  /** At most 5,000. */
  readonly uplinkTimeoutMs?: number;
  /** What a principal may use. */
  readonly quotas?: Quotas;
  /** How many principals may be named. */
  readonly maxPrincipals?: number;
  /** Refuse calls that name no principal. */
  readonly requirePrincipal?: boolean;
  /** Let `recv` give an empty batch instead of `timeout` when nothing came. */
  readonly recvEmptyOnTimeout?: boolean;
  /** Bytes the audit log may take. */
  readonly auditLimitBytes?: number;
  /** Bytes of one segment of the audit log. */
  readonly auditSegmentBytes?: number;
  /** Load capsules although nobody exports what they import. */
  readonly allowMissingImports?: boolean;
}

/** An operation that can be aborted. */
export interface Abortable {
  readonly signal?: AbortSignal;
}

/** How a capsule is installed. */
export interface InstallOptions extends Abortable {
  /** For whom the hook runs. */
  readonly principal?: string;
  /** The capabilities to keep of those the manifest asks for. */
  readonly attenuate?: readonly string[];
}

/** How a capsule is loaded. */
export interface LoadOptions extends InstallOptions {
  /** Lets its run loop serve every principal, not its owner alone. */
  readonly shared?: boolean;
}

/** What an installation did. */
export interface Installed {
  readonly id: string;
  readonly version: string;
  /** The BLAKE3 that is pinned now, in hex. */
  readonly hash: string;
  readonly upgradedFrom: string | null;
  readonly warnings: readonly string[];
}

/** How a hook is called. */
export interface TriggerSyncOptions {
  /** For whom; the capsule's owner when nobody is named. */
  readonly principal?: string;
  /** A deadline shorter than the principal's own. */
  readonly timeoutMs?: number;
}

/** How a hook is called when the call can be aborted. */
export interface TriggerOptions extends TriggerSyncOptions, Abortable {}

/** What a hook answered. */
export class HookResult {
  private constructor();
  /** `continue`, `final`, `deny`, `abort`, or a word of the capsule's own. */
  readonly action: string;
  readonly data: string | null;
  /** The data read as JSON; null if there is none. */
  json(): any;
}

/** What became of a published message. */
export interface Published {
  /** Subscriptions that have it in their queue. */
  readonly delivered: number;
  /** Handlers that ran. */
  readonly handlers: number;
  readonly decision: 'continue' | 'final' | 'deny';
  /** The response of a `final`, or the payload if a handler changed it. */
  readonly data: string | null;
  /** Why it was denied. */
  readonly reason: string | null;
}

/** A message of the bus. */
export class Message {
  private constructor();
  readonly topic: string;
  /** JSON text. */
  readonly payload: string;
  /** The source id of the capsule that sent it; the nil UUID for the embedding program. */
  readonly source: string;
  /** Whether the host vouches for the principal. */
  readonly attribution: 'verified' | 'claimed' | 'system';
  readonly principal: string | null;
  /** The payload read as JSON. */
  json(): any;
}

/** The messages of one subscription, in the order they came; ends when it or its host is closed. */
export class Messages implements AsyncIterableIterator<Message> {
  private constructor();
  next(): Promise<IteratorResult<Message, undefined>>;
  return(value?: any): Promise<IteratorResult<Message, undefined>>;
  /** Ends the subscription; an open `next()` is done. */
  close(): void;
  [Symbol.asyncIterator](): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where a capsule is in its life. */
export type State = 'loading' | 'ready' | 'running' | 'completed' | 'failed' | 'unloaded';

/** A handle to a loaded capsule. */
export class Capsule {
  private constructor();
  readonly id: string;
  readonly version: string;
  /** The BLAKE3 of its component, in hex. */
  readonly hash: string;
  /** What its manifest says that the host ignores. */
  readonly warnings: readonly string[];
  readonly state: State;
  /** Calls a hook. Aborting stops the guest. */
  trigger(action: string, payload?: Payload, options?: TriggerOptions): Promise<HookResult>;
  /**
   * Calls a hook and stands still until it answered. Handlers are called in between and must answer plain values: a
   * Promise could not be resolved and is refused.
   */
  triggerSync(action: string, payload?: Payload, options?: TriggerSyncOptions): HookResult;
  /** Waits until its run loop is ready; at once for a capsule without one. */
  waitReady(options?: Abortable & { readonly timeoutMs?: number }): Promise<void>;
  /** Cancels everything it does and lets go of it. */
  unload(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A limit; `'unlimited'` where it is lifted. */
export type Limit = number | 'unlimited';

/**
 * What a principal has used since it was first named, each beside its limit; storage is counted for good. Where a limit holds
 * for each capsule, the counter beside it sums all capsules up.
 */
export interface Usage {
  readonly principal: string;
  /** Whether its profile lets calls begin. */
  readonly enabled: boolean;
  readonly triggers: number;
  readonly hostCalls: number;
  readonly denied: number;
  readonly inFlightCalls: number;
  readonly inFlightCallsLimit: number;
  readonly timeoutSecsLimit: number;
  readonly fuel: number;
  readonly fuelThisSecond: number;
  readonly fuelPerSecondLimit: Limit;
  readonly publishedMessages: number;
  readonly publishedBytes: number;
  readonly publishedBytesThisSecond: number;
  readonly publishedBytesPerSecondLimit: Limit;
  readonly storedBytes: number;
  readonly writtenBytes: number;
  readonly storedBytesLimit: Limit;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly memoryLimitBytes: Limit;
  readonly instances: number;
  readonly subscriptions: number;
  readonly subscriptionsLimit: number;
  readonly pollables: number;
  readonly pollablesLimit: number;
  readonly sockets: number;
  readonly socketsLimit: number;
  readonly listeners: number;
  readonly listenersLimit: number;
  readonly udpSockets: number;
  readonly udpSocketsLimit: number;
  readonly httpStreams: number;
  readonly httpStreamsLimit: number;
  readonly fileHandles: number;
  readonly fileHandlesLimit: number;
  readonly backgroundProcesses: number;
  readonly backgroundProcessesLimit: number;
  readonly retainedProcesses: number;
  readonly retainedProcessesLimit: number;
}

/** How an audited operation ended. */
export type AuditOutcome = 'allowed' | 'denied' | 'failed' | 'cancelled';

/** Which audit entries are wanted; all of them if nothing is named. */
export interface AuditFilter {
  readonly principal?: string;
  readonly capsule?: string;
  readonly operation?: string;
  readonly outcome?: AuditOutcome;
  /** Only those with this sequence number or a greater one. */
  readonly sinceSeq?: number;
  /** At most this many, the first that match. */
  readonly limit?: number;
}

/** An entry of the audit log. Hashes are in hex. */
export interface AuditEntry {
  readonly seq: number;
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** How many it stands for: more than 1 where repeats beyond the rate were counted together. */
  readonly count: number;
  /** When the first and the last of them were recorded. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  readonly operation: string;
  readonly capsule: string | null;
  readonly artifact: string | null;
  readonly principal: string | null;
  readonly claimed: string | null;
  readonly outcome: AuditOutcome;
  readonly reason: string;
  readonly subject: string;
  readonly bytes: number;
  readonly elapsedNs: number;
  readonly commitment: string | null;
  readonly detail: Readonly<Record<string, string>>;
  readonly prev: string;
  readonly hash: string;
}

/** What verifying found. */
export interface Verification {
  readonly intact: boolean;
  readonly entries: number;
  readonly checkpoints: number;
  /** The hash of the last record, in hex. */
  readonly head: string;
  readonly findings: readonly { readonly seq: number; readonly what: string }[];
}

/** The log of everything that was asked, allowed and denied. */
export class AuditLog {
  private constructor();
  /** The entries that a filter selects, oldest first. */
  entries(filter?: AuditFilter): Promise<AuditEntry[]>;
  /** Reads the whole log again and checks every hash, link and signature. */
  verify(): Promise<Verification>;
  /** Writes every entry and checkpoint to a file, each as one line of JSON. */
  export(file: string | URL): Promise<void>;
  /** The public key that verifies the checkpoints, in hex. */
  publicKey(): Promise<string>;
}

/**
 * An open home with the capsules that run in it. It runs until it is closed or the process ends, whether or not the
 * program still holds it; it never keeps the process from ending.
 */
export class Host {
  private constructor();
  /** Opens the host whose data lives in the folder `home`. */
  static open(home: string | URL, options?: HostOptions): Promise<Host>;
  readonly audit: AuditLog;
  readonly closed: boolean;
  /** The capsules that are loaded. */
  readonly capsules: readonly Capsule[];
  /** Installs a capsule: runs its hook, then pins its hash. An installed capsule is upgraded. */
  install(path: string | URL, options?: InstallOptions): Promise<Installed>;
  /** Loads an installed capsule from its folder or its `Capsule.toml`. */
  load(path: string | URL, options?: LoadOptions): Promise<Capsule>;
  /** Loads every capsule of a folder, providers first, and waits until each is ready. */
  loadAll(folder: string | URL, options?: Abortable): Promise<Capsule[]>;
  /** Loads a capsule from memory; `hash` is the BLAKE3 its bytes must have, in hex. */
  loadComponent(bytes: Uint8Array, manifest: string, hash: string, options?: LoadOptions): Promise<Capsule>;
  /** Sets a field of a capsule's `[env]`, for everybody or for one principal. A secret goes to the secret store. */
  configure(capsule: string, key: string, value: string, options?: { readonly principal?: string }): Promise<void>;
  /** Publishes a JSON payload and waits for what the handlers decide. */
  publish(topic: string, payload: Payload, options?: Abortable & { readonly principal?: string }): Promise<Published>;
  /** Subscribes to a topic or to a pattern that ends in `.*`. */
  subscribe(pattern: string): Messages;
  /** What a principal has used. */
  usage(principal: string): Promise<Usage>;
  /** Unloads every capsule, writes the last audit entry and gives the home back. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
