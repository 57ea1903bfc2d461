// Packages: looked at, found, installed, watched.

import type { AstridError } from '../index';

/** What an installation did. */
export interface Installed {
  readonly id: string;
  readonly version: string;
  /** The BLAKE3 that is pinned now, in hex. */
  readonly hash: string;
  readonly upgradedFrom: string | null;
  readonly warnings: readonly string[];
}

/** What a `Capsule.toml` says, read and checked: its tables, with the names of the host's own fields. */
export type Manifest = { readonly package: { readonly name: string; readonly version: string } } & { readonly [table: string]: any };

/** What a package is, found out without running anything. */
export interface Inspection {
  readonly id: string;
  readonly version: string;
  /** What installing pins: the BLAKE3 of its component, or of its components put together, in hex. */
  readonly hash: string;
  readonly manifest: Manifest;
  /** What its manifest says that the host ignores. */
  readonly warnings: readonly string[];
  /** What is installed under its id. */
  readonly installed: { readonly version: string; readonly hash: string } | null;
  /** How what it asks for differs from what was accepted: `fs_read: workspace://src`, or `uplink`. */
  readonly changes: { readonly added: readonly string[]; readonly removed: readonly string[] };
}

/** A capsule that lies in a folder. */
export interface Found {
  readonly id: string;
  readonly version: string;
  /** Its folder or archive, to be installed or loaded. */
  readonly path: string;
  readonly manifest: Manifest;
}

/** What lies in folders. */
export interface Discovery {
  /** Each id once, in the order of the folders and inside each in the order of names. */
  readonly found: readonly Found[];
  /** One sentence for everything that was skipped. */
  readonly warnings: readonly string[];
}

/** A capsule's folder that is not what it was. */
export interface CapsuleChange {
  readonly folder: string;
  /** Whether there is no manifest in it any more. */
  readonly gone: boolean;
  /** The capsule that is loaded from it, if one is. */
  readonly id: string | null;
  /** Whether it was reloaded. */
  readonly reloaded: boolean;
  /** Why it could not be reloaded. */
  readonly error: AstridError | null;
}
