// The options of calls.

/** An operation that can be aborted. */
export interface Abortable {
  readonly signal?: AbortSignal;
}

/** Whose a capsule is, and how much of what it asks for it gets. */
interface Narrowing extends Abortable {
  /** For whom its hook runs, and who owns it. */
  readonly principal?: string;
  /** The capabilities to keep of those the manifest asks for. */
  readonly attenuate?: readonly string[];
}

/** How a capsule is installed. */
export interface InstallOptions extends Narrowing {
  /** The BLAKE3 the package must have, 64 lower-case hex digits. */
  readonly hash?: string;
  /** Accept that an upgrade asks for more than was accepted before; otherwise it is a `capability_denied` that names it. */
  readonly acceptNewCapabilities?: boolean;
}

/** How a capsule is loaded. */
export interface LoadOptions extends Narrowing {
  /** Lets its run loop serve every principal, not its owner alone. */
  readonly shared?: boolean;
}

/** How a watch is begun. */
export interface WatchOptions extends Abortable {
  /** Reload what is loaded from a folder that changed, if what lies there is pinned. */
  readonly reload?: boolean;
}

/** How a hook is called. */
export interface TriggerSyncOptions {
  /** For whom; the capsule's owner when nobody is named. */
  readonly principal?: string;
  /** A deadline shorter than the principal's own. */
  readonly timeoutMs?: number;
  /** The W3C trace context the call is part of, as a `traceparent` header spells it. */
  readonly traceparent?: string;
}

/** How a hook is called when the call can be aborted. */
export interface TriggerOptions extends TriggerSyncOptions, Abortable {}

/** How a message is published. */
export interface PublishOptions extends Abortable {
  /** For whom it speaks; the system's own when nobody is named. */
  readonly principal?: string;
  /**
   * The most handlers and subscriptions together it may reach. More handlers than that deny the message; subscriptions beyond
   * it do not get it.
   */
  readonly fanOut?: number;
}
