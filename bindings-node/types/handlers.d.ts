// What the embedding program's handlers are asked and told, and what they answer.

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

/** How much a line of a log matters. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** A line that a guest wrote. */
export interface LogLine {
  readonly capsule: string;
  /** For whom the guest acted. */
  readonly principal: string;
  readonly level: LogLevel;
  /** One line of at most 64 KiB; control and invisible characters are spelled out, secrets taken out. */
  readonly message: string;
  readonly time: Date;
  /**
   * 0 for what a guest wrote. Otherwise the line is the host's own, and stands where this many lines of the same log were lost
   * because they came faster than they were taken.
   */
  readonly lost: number;
}
