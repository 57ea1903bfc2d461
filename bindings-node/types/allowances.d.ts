/** An approval that is remembered: it answers the same request, and the same command with other arguments, of the same capsule. */
export interface Allowance {
  readonly id: string;
  /** For whom it counts. */
  readonly principal: string;
  /** The capsule that asked. */
  readonly capsule: string;
  /** The BLAKE3 of the capsule's component, 64 hexadecimal digits; another version asks again. */
  readonly artifact: string;
  /** What was approved. */
  readonly action: string;
  /** For what. */
  readonly resource: string;
  /** When, in milliseconds since 1970. */
  readonly createdMs: number;
  /** Whether it ends when the host is closed. */
  readonly sessionOnly: boolean;
}
