// The audit log.

import type { Abortable } from './calls';

/** The host's signature under the audit log so far; kept elsewhere, it proves later that the log was cut. */
export interface Checkpoint {
  /** Its own place in the log. */
  readonly sequence: number;
  /** The records it covers: the sequence number of the last of them. */
  readonly entries: number;
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** The hash of the last record it covers, in hex. */
  readonly head: string;
  /** The key it was signed with, in hex. */
  readonly publicKey: string;
  /** Ed25519, in hex. */
  readonly signature: string;
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
  /** Signs the present head of the chain, to be kept elsewhere; on the disk when this resolves. */
  checkpoint(): Promise<Checkpoint>;
  /**
   * Writes every entry, checkpoint and change of key as one line of JSON: to a file, or to a stream, which is ended. It reads
   * as fast as the stream takes it. With a filter only the entries that pass it.
   */
  export(to: string | URL | NodeJS.WritableStream | WritableStream<Uint8Array>, options?: AuditFilter & Abortable): Promise<void>;
  /** The public key that verifies the log, in hex: the first it was signed with; the log names those after it. */
  publicKey(): Promise<string>;
}
