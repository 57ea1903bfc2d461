/** Somebody whose accounts on outside platforms the host knows. */
export interface User {
  /** A UUID. */
  readonly id: string;
  /** Who the user is in this host. */
  readonly principal: string;
  /** The name to show, if one was given. */
  readonly displayName: string | null;
  /** When the user was created (RFC 3339, UTC). */
  readonly createdAt: string;
}

/** An account of an outside platform, and whose it is. */
export interface AccountLink {
  readonly platform: string;
  /** The account's id on that platform. */
  readonly platformUserId: string;
  /** The user's id. */
  readonly user: string;
  /** How the link was established. */
  readonly method: string;
  /** When it was (RFC 3339, UTC). */
  readonly linkedAt: string;
}
