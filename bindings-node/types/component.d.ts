/** What a component is to this host. */
export interface ComponentReport {
  /** The BLAKE3 of its bytes, 64 hexadecimal digits: the `hash` of a manifest. */
  readonly hash: string;
  readonly bytes: number;
  /** Whether this host can run it. Compiling it may still fail, by a limit of its size. */
  readonly runnable: boolean;
  /** What stands in the way, in words. */
  readonly problems: readonly string[];
  readonly imports: readonly ImportedInterface[];
  /** The names of what it exports. */
  readonly exports: readonly string[];
  /** The capabilities that functions it imports need, by the names of the manifest. */
  readonly capabilities: readonly string[];
}

/** An interface that a component imports. */
export interface ImportedInterface {
  /** Its name with its version, `astrid:kv/host@1.0.0`. */
  readonly name: string;
  /** Whether this host offers it, in exactly this version. */
  readonly offered: boolean;
  /** The functions of it that the component can call, each with the capability that it needs. */
  readonly functions: readonly { readonly name: string; readonly capability: string | null }[];
}
