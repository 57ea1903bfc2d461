/** What enforces a limit of a program: a limit of the system, or nothing. */
export type EnforcedBy = 'cgroup' | 'rlimit' | 'nothing';

/** What works on this machine. */
export interface Diagnosis {
  /** Whether programs of capsules can be started at all. */
  readonly processes: boolean;
  /** What stands in the way, in words. */
  readonly missing: readonly string[];
  /** The program that builds the sandbox. */
  readonly sandbox: string | null;
  /** What enforces each limit. */
  readonly limits: {
    readonly memory: EnforcedBy;
    readonly cpu: EnforcedBy;
    readonly pids: EnforcedBy;
    readonly files: EnforcedBy;
  };
}
