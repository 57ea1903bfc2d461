/**
 * Runs Astrid capsules inside a Node.js program.
 *
 * Every method that returns a Promise rejects with an {@link AstridError}; what an `AbortSignal` aborts rejects with the
 * signal's reason instead.
 */

import type { AuditLog } from './types/audit';
import type { Abortable, InstallOptions, LoadOptions, PublishOptions, TriggerOptions, TriggerSyncOptions, WatchOptions } from './types/calls';
import type { Allowance } from './types/allowances';
import type { Diagnosis } from './types/diagnosis';
import type { ComponentReport } from './types/component';
import type { HostOptions, Profile } from './types/options';
import type { CapsuleChange, Discovery, Inspection, Installed, Manifest } from './types/packages';
import type { Usage } from './types/usage';
import type { AccountLink, User } from './types/users';

export * from './types/allowances';
export * from './types/audit';
export * from './types/calls';
export * from './types/component';
export * from './types/diagnosis';
export * from './types/handlers';
export * from './types/options';
export * from './types/packages';
export * from './types/usage';
export * from './types/users';

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

/**
 * Says what a component is to this host, without compiling or running it. What is no valid component throws
 * `component_invalid`; one that cannot run here is reported.
 */
export function inspectComponent(bytes: Uint8Array): ComponentReport;

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

/** What comes bit by bit, in order; ends when it or its host is closed. */
interface Feed<T> extends AsyncIterableIterator<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(value?: any): Promise<IteratorResult<T, undefined>>;
  /** Ends it; an open `next()` is done. */
  close(): void;
  [Symbol.asyncIterator](): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The messages of one subscription, in the order they came; ends when it or its host is closed. */
export class Messages {
  private constructor();
  /** The next message if one is there now; null if none is. */
  take(): Message | null;
}
export interface Messages extends Feed<Message> {}

/** What changed in the folders of capsules, in the order in which it was noticed; ends when it or its host is closed. */
export class CapsuleChanges {
  private constructor();
}
export interface CapsuleChanges extends Feed<CapsuleChange> {}

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
  /** 1 when it was loaded, one more with every upgrade, reload and restart. */
  readonly generation: number;
  /** How often its run loop was restarted since it was loaded. */
  readonly restarts: number;
  /** Why its run loop failed last; null if it never did. */
  readonly failure: string | null;
  /** The manifest of its current generation. */
  readonly manifest: Manifest;
  /** Calls a hook. Aborting stops the guest. */
  trigger(action: string, payload?: Payload, options?: TriggerOptions): Promise<HookResult>;
  /**
   * Calls a hook and stands still until it answered. Handlers are called in between and must answer plain values: a
   * Promise could not be resolved and is refused.
   */
  triggerSync(action: string, payload?: Payload, options?: TriggerSyncOptions): HookResult;
  /** Waits until its run loop is ready; at once for a capsule without one. */
  waitReady(options?: Abortable & { readonly timeoutMs?: number }): Promise<void>;
  /** Reads a file that its manifest declares, by its path there, as it is now. */
  staticFile(file: string): Promise<Uint8Array>;
  /**
   * Puts what it changed for a principal into the workspace, and says how many files and folders that wrote or removed. Where
   * the workspace changed as well, the overlay wins.
   */
  commit(principal: string): Promise<number>;
  /** Throws away what it changed for a principal. */
  rollback(principal: string): Promise<void>;
  /** Replaces what runs by what lies where it came from now, if that is pinned. */
  reload(): Promise<void>;
  /** Watches the folder it was loaded from. */
  watch(options?: WatchOptions): Promise<CapsuleChanges>;
  /** Cancels everything it does and lets go of it. */
  unload(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
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
  /** A loaded capsule; throws `not_found` if none of that id is loaded. */
  capsule(id: string): Capsule;
  /** Says what a package is and asks for beyond what was accepted; nothing of it runs and nothing is kept. */
  inspect(path: string | URL, options?: Abortable): Promise<Inspection>;
  /** Finds the capsules in folders. */
  discover(folders: readonly (string | URL)[], options?: Abortable): Promise<Discovery>;
  /** Installs a capsule: runs its hook, then pins its hash. An installed capsule is upgraded. */
  install(path: string | URL, options?: InstallOptions): Promise<Installed>;
  /** Loads a capsule from its folder, its `.capsule` archive or its `Capsule.toml`. */
  load(path: string | URL, options?: LoadOptions): Promise<Capsule>;
  /** Loads every capsule of a folder, providers first, and waits until each is ready. */
  loadAll(folder: string | URL, options?: Abortable): Promise<Capsule[]>;
  /** Loads a capsule from memory; `hash` is the BLAKE3 its bytes must have, in hex. */
  loadComponent(bytes: Uint8Array, manifest: string, hash: string, options?: LoadOptions): Promise<Capsule>;
  /** Replaces what runs of a capsule by what lies where it came from now, if that is pinned. */
  reload(capsule: string, options?: Abortable): Promise<Capsule>;
  /** Removes a capsule for good: its pin, settings, secrets, allowances, and what principals keep in it. */
  uninstall(capsule: string): Promise<void>;
  /** Watches a capsule's folder, or a folder of such folders; a change is told when it has been left alone for 500 ms. */
  watch(folder: string | URL, options?: WatchOptions): Promise<CapsuleChanges>;
  /** Sets a field of a capsule's `[env]`, for everybody or for one principal. A secret goes to the secret store. */
  configure(capsule: string, key: string, value: string, options?: { readonly principal?: string }): Promise<void>;
  /** Publishes a JSON payload and waits for what the handlers decide. */
  publish(topic: string, payload: Payload, options?: PublishOptions): Promise<Published>;
  /** Subscribes to a topic or to a pattern that ends in `.*`. */
  subscribe(pattern: string): Messages;
  /** The profile in force for a principal. */
  profile(principal: string): Promise<Profile>;
  /** Gives a principal a profile of its own, in force for every call that begins from now on. */
  setProfile(principal: string, profile: Profile): Promise<void>;
  /** The principals that were named since the host was opened or have a profile of their own, sorted. */
  principals(): Promise<string[]>;
  /** Cancels a principal's calls, unloads its capsules and erases its data; what the audit says about it stays. */
  removePrincipal(principal: string): Promise<void>;
  /** What was approved for a principal, for good or until the host is closed, oldest first. */
  allowances(principal: string): Promise<Allowance[]>;
  /** Takes back what was approved and tells whether there was such an allowance: the same request is asked about again. */
  revokeAllowance(principal: string, id: string): Promise<boolean>;
  /** The users of outside platforms that this host knows, by id. */
  users(): Promise<User[]>;
  /** Creates a user, who is that principal in the host, or a new one that nobody else is. */
  createUser(options?: { readonly displayName?: string; readonly principal?: string }): Promise<User>;
  /** Removes a user with all linked accounts and tells whether there was one. The principal stays. */
  removeUser(user: string): Promise<boolean>;
  /** The accounts that are linked to a user. */
  links(user: string): Promise<AccountLink[]>;
  /** Links an account of a platform to a user; `method` says how that was established. */
  linkAccount(
    user: string,
    account: { readonly platform: string; readonly account: string; readonly method: string },
  ): Promise<void>;
  /** Ends the link of an account. */
  unlinkAccount(account: { readonly platform: string; readonly account: string }): Promise<void>;
  /** What a principal has used. */
  usage(principal: string): Promise<Usage>;
  /** Counters, gauges and histograms in the text format that Prometheus reads. */
  metrics(): Promise<string>;
  /** What works on this machine, found out by trying, and what stands in the way of capsules' programs. */
  diagnose(): Promise<Diagnosis>;
  /** Copies the home, while it is open, into a new folder that a host can open. */
  backup(folder: string | URL): Promise<void>;
  /** New keys for the audit log and for secrets; `secretKey` is the program's next one if it keeps that key itself. */
  rotateKeys(options?: { readonly secretKey?: Uint8Array }): Promise<void>;
  /** Unloads every capsule, writes the last audit entry and gives the home back. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
