// How a host is opened.

import type { Checkpoint } from './audit';
import type {
  ApprovalQuestion, Asked, Awaitable, Decision, Delivery, ElicitAnswer, ElicitQuestion, LogLine, UplinkEvent,
} from './handlers';
import type { Limit } from './usage';

/** How much a principal may use; every quota is at least 1. */
export interface Quotas {
  /** Linear memory and tables of all instances together. */
  readonly maxMemoryBytes?: Limit;
  /** Wall clock of one trigger, without the time waited for people; at most a day. */
  readonly maxTimeoutSecs?: number;
  /** Bytes published a second by one capsule. */
  readonly maxIpcThroughputBytes?: Limit;
  /** Background processes at once, over all capsules. */
  readonly maxBackgroundProcesses?: number;
  /** Bytes one capsule keeps in the key-value store and, counted apart, bytes it writes to files while the host is open. */
  readonly maxStorageBytes?: Limit;
  /** Files, folders and further names of files one capsule makes while the host is open. */
  readonly maxFiles?: Limit;
  /** Fuel a second over all capsules. */
  readonly maxCpuFuelPerSec?: Limit;
  /** Triggers that run at once. */
  readonly maxInFlightCalls?: number;
  /** Subscriptions of one capsule at once. */
  readonly maxSubscriptions?: number;
  /** Pollables of one capsule at once. */
  readonly maxPollables?: number;
  /** Streams of TCP and Unix sockets one capsule has open at once. */
  readonly maxSockets?: number;
  /** TCP listeners one capsule has open at once. */
  readonly maxListeners?: number;
  /** UDP sockets one capsule has open at once. */
  readonly maxUdpSockets?: number;
  /** HTTP streams and uploads one capsule has open at once. */
  readonly maxHttpStreams?: number;
  /** Files one capsule has open at once. */
  readonly maxFileHandles?: number;
  /** Processes that are kept under an id, running or ended, over all capsules. */
  readonly maxRetainedProcesses?: number;
}

/** The Ed25519 key of one device. */
export interface DeviceKey {
  /** 16 hex digits; by default the first of the key's BLAKE3. */
  readonly key_id?: string;
  /** 64 lower-case hex digits. */
  readonly pubkey: string;
  readonly label?: string;
  /** RFC 3339. */
  readonly created_at?: string;
  readonly scope?: 'full' | { readonly scoped: { readonly allow: readonly string[]; readonly deny: readonly string[] } };
}

/** A command that is not asked about again where it is run. */
export interface StandingCommand {
  readonly command: string;
  readonly location: 'hosted' | 'astrid_workspace';
  /** The one workspace it is approved for. */
  readonly workspace?: string;
}

/**
 * What the host knows about a principal beyond its name, with the names its file has. What is not named has its default; a
 * field that nobody knows is left out.
 */
export interface Profile {
  readonly profile_version?: number;
  /** False refuses every new call. */
  readonly enabled?: boolean;
  /** The groups it belongs to. */
  readonly groups?: readonly string[];
  /** What it is given besides its groups. */
  readonly grants?: readonly string[];
  /** What it is denied, whatever gives it. */
  readonly revokes?: readonly string[];
  /** Ids of the capsules whose tools and commands it may call. */
  readonly capsules?: readonly string[];
  /** How much it may use; the names are those of {@link Quotas} in snake_case. */
  readonly quotas?: { readonly [name: string]: Limit };
  readonly auth?: { readonly methods?: readonly string[]; readonly public_keys?: readonly DeviceKey[] };
  /** `host:port` patterns a restricted principal may reach, through any capsule or through one by its id. */
  readonly network?: {
    readonly egress?: readonly string[];
    readonly capsule_egress?: { readonly [capsule: string]: readonly string[] };
  };
  /** Commands a restricted principal may run. */
  readonly process?: { readonly allow?: readonly string[] };
  /** Commands it has approved for good. */
  readonly approvals?: { readonly command_always?: readonly StandingCommand[] };
}

/** What becomes of run loops that trap or cannot be started. */
export interface Restart {
  /** Whether they are started again; true by default. */
  readonly enabled?: boolean;
  /** The pause before the first attempt; each further one is twice as long. */
  readonly firstMs?: number;
  /** The longest pause. */
  readonly mostMs?: number;
  /** Attempts until the capsule is left alone. */
  readonly attempts?: number;
  /** How long a run loop must have been ready and running before its earlier failures are forgotten. */
  readonly recoveryMs?: number;
}

/** How many instances of a capsule a principal has, and for how long. */
export interface Instances {
  /** How many are kept while the principal is at work. */
  readonly warm?: number;
  /** How many there are at once, at least 1; a trigger beyond waits for one to come back. */
  readonly most?: number;
  /** How long one may wait for work. */
  readonly idleMs?: number;
}

/** What capsules may reach and bind beyond the public network. No manifest can say any of it. */
export interface Network {
  /** What the airlock lets a capsule reach though it is not public, by the capsule's id: `host:port` or `host:*`. */
  readonly localEgress?: Readonly<Record<string, readonly string[]>>;
  /** Addresses beyond loopback at which a capsule may listen or take datagrams, by the capsule's id. */
  readonly publicBinds?: Readonly<Record<string, readonly string[]>>;
  /** `address:port` of servers that are asked for names in place of the system's. */
  readonly dnsServers?: readonly string[];
  /** Roots that are trusted besides the platform's, in PEM. */
  readonly tlsRoots?: string;
  /** How long a lookup, connection and secure setup may take, at most 30,000; it may only be lowered, and so with those below. */
  readonly httpConnectMs?: number;
  /** How long the headers of a response may be waited for, at most 120,000. */
  readonly httpFirstByteMs?: number;
  /** How long the next piece of a body may be waited for, at most 120,000. */
  readonly httpBetweenBytesMs?: number;
  /** The longest time a request may ask for, at most 900,000. */
  readonly httpTotalMs?: number;
}

/** Limits of a program that a capsule starts; `null` is no limit. */
export interface ProcessLimits {
  /** Memory of each of its processes, and of all together where there are control groups, in bytes (2 GiB). */
  readonly memoryBytes?: number | null;
  /** Processor time of each of its processes, in seconds (no limit). */
  readonly cpuSecs?: number | null;
  /** Processes and threads together (512). */
  readonly pids?: number | null;
  /** Open files of each of its processes (1,024). */
  readonly openFiles?: number | null;
}

/** What programs that capsules start may see and use. No manifest can say any of it. */
export interface Processes {
  /** The bubblewrap to use in place of the one the system has installed. */
  readonly bubblewrap?: string;
  /** Files and folders they may read besides the installed programs, at their own paths. */
  readonly readable?: readonly string[];
  /** Ids of capsules whose programs share the machine's network, which no airlock binds then. */
  readonly hostNetwork?: readonly string[];
  /** User and group they run as when the host is root; the owner of the workspace, or nobody, unless given. */
  readonly user?: readonly [number, number];
  /** Bytes of each of their scratch folders (64 MiB). */
  readonly scratchBytes?: number;
  /** Limits of a program that asks for none, and the most that it may ask for. */
  readonly limits?: ProcessLimits;
}

/** Durability, rates and merging of the audit log. Nothing switches it off. */
export interface AuditChoices {
  /**
   * Operations whose entry is on the disk before the result of the call is seen, so that it survives the loss of power:
   * `capsule.install`, or all that begin so, `kv.*`.
   */
  readonly powerOperations?: readonly string[];
  /** Entries that one capsule may cause for one principal in a second, at least 1. */
  readonly entriesPerSec?: number;
  /** The same in bytes of the log, at least 1,024. */
  readonly bytesPerSec?: number;
  /** How long repeats beyond the rate are collected in one counted entry. */
  readonly mergeWithinMs?: number;
}

/** How a host is opened. */
export interface HostOptions {
  /** The folder capsules work in; without it they have none. It must not hold the home. */
  readonly workspace?: string | URL;
  /**
   * What becomes of changes in the workspace: made in the folder itself (`direct`, the default), or kept apart for each capsule
   * and principal until they are committed or rolled back.
   */
  readonly workspaceMode?: 'direct' | 'overlay';
  /** Answers the questions of install hooks; without it they are cancelled. */
  readonly onElicit?: (question: ElicitQuestion, asked: Asked) => Awaitable<ElicitAnswer>;
  /** Decides what capsules may do; without it everything is denied. */
  readonly onApproval?: (question: ApprovalQuestion, asked: Asked) => Awaitable<Decision>;
  /** Takes the messages of uplinks; without it they are dropped. */
  readonly onUplink?: (event: UplinkEvent, asked: Asked) => Awaitable<Delivery>;
  /**
   * Hears every line that guests log, in order. Nobody waits for it; what comes faster than it returns is counted and told. If
   * it throws or rejects, the process gets a warning of the name `AstridHandlerWarning`.
   */
  readonly onLog?: (line: LogLine) => unknown;
  /**
   * Hears of every checkpoint of the audit log once the disk has it, to be kept where whoever might cut the log cannot
   * reach. While this thread is busy at most 64 wait; a later one covers all that an earlier one does. It fails as `onLog`.
   */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => unknown;
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
  /** How long the run loop of a new generation has to become ready before the old one is kept instead. */
  readonly readyWithinMs?: number;
  /** The profile of a principal without one of its own. */
  readonly defaultProfile?: Profile;
  /** The quotas of that profile, for those who change nothing else in it. */
  readonly quotas?: Quotas;
  /** How many principals may be named. */
  readonly maxPrincipals?: number;
  /** Refuse calls that name no principal. */
  readonly requirePrincipal?: boolean;
  /** Ids of capsules whose `publish-as` is taken for true. */
  readonly authenticatedUplinks?: readonly string[];
  /** Let `recv` give an empty batch instead of `timeout` when nothing came. */
  readonly recvEmptyOnTimeout?: boolean;
  /**
   * What acknowledged writes to the store survive: the end of the process (`process`, the default), or the loss of power too,
   * for which each waits for the disk (`power`).
   */
  readonly durability?: "process" | "power";
  /** Bytes the audit log may take. */
  readonly auditLimitBytes?: number;
  /** Bytes of one segment of the audit log. */
  readonly auditSegmentBytes?: number;
  /** Durability, rates and merging of the audit log. */
  readonly audit?: AuditChoices;
  /** What a checkpoint that was kept elsewhere says; a home whose audit log does not hold it does not open. */
  readonly expectedCheckpoint?: Pick<Checkpoint, 'entries' | 'head'>;
  /** The key that seals secrets, 32 bytes, in place of one in the home; to be given at every opening. */
  readonly secretKey?: Uint8Array;
  /** Load capsules although nobody exports what they import. */
  readonly allowMissingImports?: boolean;
  /** What becomes of run loops that trap or cannot be started. */
  readonly restart?: Restart;
  /** How many instances of a capsule a principal has, and for how long. */
  readonly instances?: Instances;
  /** What capsules may reach and bind beyond the public network, and how names are looked up. */
  readonly network?: Network;
  /** Keep compiled code in the home, so that a capsule is compiled once and not at every start; true by default. */
  readonly codeCache?: boolean;
  /** Let capsules open files that have more names than the host gave them, as package managers make them. */
  readonly trustHardLinks?: boolean;
  /**
   * Find guests' faults by handlers of signals, which hand on what is not a guest's; true by default. Without it the host installs
   * none, and guests check for themselves, which makes them slower.
   */
  readonly signalTraps?: boolean;
  /** What programs that capsules start may see and use. */
  readonly processes?: Processes;
}
