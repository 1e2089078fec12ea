import type { Pool, Queryable } from '#database/pool.ts';
import type { Keyring } from '#access/keyring.ts';
import type { Passwords } from '#access/passwords.ts';
import type { Role } from '#access/user.ts';

export type AccessEventType =
  | 'login.succeeded'
  | 'login.failed'
  | 'login.locked'
  | 'session.ended'
  | 'session.foreign'
  | 'refresh.reused'
  | 'step-up.passed'
  | 'step-up.failed'
  | 'password.changed'
  | 'password.failed'
  | 'reset.issued'
  | 'user.created'
  | 'user.changed'
  | 'user.disabled'
  | 'user.enabled'
  | 'token.created'
  | 'token.ended'
  | 'signing-key.created'
  | 'signing-key.retired';

export interface AccessEvent extends Actor {
  type: AccessEventType;
  targetKind?: 'user' | 'session' | 'token' | 'signing-key';
  targetId?: string;
  details?: Record<string, string | number | boolean | null>;
}

/** Who does something, and from where. */
export interface Actor {
  actorId?: string;
  actorKind: 'anonymous' | 'user' | 'token' | 'system';
  addressPrefix?: string;
}

/** Writes events on the client that carries the act's transaction. */
export type RecordAccessEvents = (client: Queryable, events: readonly AccessEvent[]) => Promise<void>;

/** Counts attempts; its keys are HMACs, so that no address of a person is stored. */
export interface SignInLimit {
  /** Takes what the attempt costs before anything else is looked at. @throws Failure `limit-exceeded` when nothing is left. */
  consume(attempt: CountedAttempt): Promise<SignInAttempt>;
}

export interface CountedAttempt {
  account: string;
  /** Of the account on a device where it has signed in before: counted apart from all others. */
  knownDevice: string | undefined;
  addressPrefix: string;
}

export interface SignInAttempt {
  /** Whether this attempt took the last point of its account or device. */
  readonly isLast: boolean;
  /** It succeeded: gives back exactly what it took. */
  refund(client: Queryable): Promise<void>;
  /** Nobody looked at it: gives back the same, and counts it neither as a success nor as a failure. */
  withdraw(client: Queryable): Promise<void>;
}

/** What the acts of this domain stand on; each takes the part it needs. */
export interface AccessContext {
  pool: Pool;
  record: RecordAccessEvents;
  /** Of SESSION_SECRET. */
  keys: Keyring;
  passwords: Passwords;
  signInLimit: SignInLimit;
  idleSeconds: Record<Role, number>;
  absoluteSeconds: Record<Role, number>;
  sessionsPerUser: number;
  refreshGraceSeconds: number;
  /** Told of every session that ends, after the commit. */
  onEnded: (sessionIds: readonly string[]) => void;
}
