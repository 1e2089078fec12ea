import { createHmac } from 'node:crypto';
import { inTransaction, type PoolClient, type Queryable } from '#database/pool.ts';
import { Failure, isFailure } from '#runtime/failure.ts';
import type { AccessContext, AccessEvent, Actor, SignInAttempt } from '#access/context.ts';
import { endReplacedSession } from '#access/end-session.ts';
import type { Keyring } from '#access/keyring.ts';
import type { PasswordHash } from '#access/passwords.ts';
import { startSession, type Client, type SessionStart, type StartedSession } from '#access/start-session.ts';
import type { Role } from '#access/user.ts';

export interface SignIn {
  /** In canonical form. */
  email: string;
  password: string;
  client: Client;
  /** The device cookie that proves that this account has signed in on this device before. */
  knownDevice?: string | undefined;
  /** The session that an authentic refresh token of this browser names; it ends once the password was found right. */
  replacedSessionId?: string | undefined;
}

export interface SignedIn extends StartedSession {
  user: { id: string; email: string; name: string; role: Role };
}

type SignInContext = SessionStart & Pick<AccessContext, 'pool' | 'passwords' | 'signInLimit' | 'onEnded'>;

export interface UserRow {
  id: string;
  email: string;
  name: string;
  role: Role;
  disabled: boolean;
  password_hash: string | null;
  password_pepper_id: string | null;
  /** As text, because a Date loses the microseconds. */
  password_changed_at: string | null;
}

const COLUMNS = `id, email, name, role, disabled_at is not null as disabled, password_hash, password_pepper_id,
  password_changed_at::text`;
const BY_EMAIL = `select ${COLUMNS} from app_user where email = $1`;
const LOCK = `select ${COLUMNS} from app_user where id = $1 for no key update`;

/**
 * Signs a person in with a password. An attempt is counted before anything is looked at, and takes the time of one hash whether
 * the account is unknown, disabled, without a password or just given a wrong one.
 * @throws Failure `login-failed`, the same for all of those; `limit-exceeded`; `sign-in-busy`.
 */
export async function signIn(context: SignInContext, attempt: SignIn): Promise<SignedIn> {
  const { email, knownDevice, client } = attempt;
  const point = await context.signInLimit.consume({
    account: accountKeyOf(context.keys, email),
    knownDevice: knownDevice === undefined ? undefined : accountKeyOf(context.keys, `${email}\0${knownDevice}`),
    addressPrefix: client.addressPrefix,
  });
  const user = await userByEmail(context.pool, email);
  const stored = user === undefined ? undefined : passwordOf(user);
  const isRight = await unlessBusy(context, point, () => context.passwords.isRight(stored, attempt.password));
  const started =
    isRight && user !== undefined && stored !== undefined
      ? await startFor(context, { user, stored, attempt, refund: (client) => point.refund(client) })
      : undefined;
  if (started !== undefined) {
    context.onEnded(started.endedIds);
    return started.signedIn;
  }
  await recordFailure(context, attempt, { user, isLast: point.isLast });
  throw new Failure('login-failed');
}

/** A password that nobody had the time to look at costs no attempt. */
export async function unlessBusy<T>(
  { pool }: Pick<AccessContext, 'pool'>,
  point: SignInAttempt,
  look: () => Promise<T>,
): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (isFailure(error, 'sign-in-busy')) await point.withdraw(pool);
    throw error;
  }
}

async function startFor(
  context: SignInContext,
  given: {
    user: UserRow;
    stored: PasswordHash;
    attempt: SignIn;
    refund: (client: Queryable) => Promise<void>;
  },
): Promise<{ signedIn: SignedIn; endedIds: string[] } | undefined> {
  const { user, stored, attempt, refund } = given;
  if (user.disabled) return undefined;
  const renewed = context.passwords.isOutdated(stored) ? await renew(context, attempt.password) : undefined;
  // First, so that it does not count against the cap.
  await endReplaced(context, attempt, user.id);
  return inTransaction(context.pool, async (client) => {
    const { rows } = await client.query<UserRow>(LOCK, [user.id]);
    const locked = rows[0];
    if (locked === undefined || locked.disabled || !isSamePassword(locked, user)) return undefined;
    // Of several sign-ins at once the first renews it.
    const isUntouched = locked.password_hash === user.password_hash;
    if (renewed !== undefined && isUntouched) await storeHash(client, user.id, renewed);
    const { session, endedIds } = await startSession(context, client, locked, { ...attempt, method: 'password' });
    await refund(client);
    const { id, email, name, role } = locked;
    return { signedIn: { ...session, user: { id, email, name, role } }, endedIds };
  });
}

/** Where hashing is too busy, the next sign-in renews it: the password was right, and nobody is kept out for that. */
async function renew(
  { passwords }: Pick<AccessContext, 'passwords'>,
  password: string,
): Promise<PasswordHash | undefined> {
  try {
    return await passwords.make(password);
  } catch (error) {
    if (isFailure(error, 'sign-in-busy')) return undefined;
    throw error;
  }
}

/** In a transaction of its own, because the session may be another user's, whose row is not held. */
async function endReplaced(context: SignInContext, attempt: SignIn, userId: string): Promise<void> {
  const { replacedSessionId, client } = attempt;
  if (replacedSessionId === undefined) return;
  const actor: Actor = { actorId: userId, actorKind: 'user', addressPrefix: client.addressPrefix };
  await endReplacedSession(context, replacedSessionId, actor);
}

async function recordFailure(
  context: SignInContext,
  attempt: SignIn,
  { user, isLast }: { user: UserRow | undefined; isLast: boolean },
): Promise<void> {
  const event: AccessEvent = {
    type: 'login.failed',
    actorKind: 'anonymous',
    addressPrefix: attempt.client.addressPrefix,
    ...(user === undefined ? {} : { targetKind: 'user', targetId: user.id }),
    details: { reason: user === undefined ? 'unknown' : user.disabled ? 'disabled' : 'wrong' },
  };
  await context.record(context.pool, isLast ? [event, { ...event, type: 'login.locked' }] : [event]);
}

async function userByEmail(client: Queryable, email: string): Promise<UserRow | undefined> {
  const { rows } = await client.query<UserRow>({ name: 'user-by-email', text: BY_EMAIL, values: [email] });
  return rows[0];
}

export async function userById(client: Queryable, userId: string): Promise<UserRow | undefined> {
  const { rows } = await client.query<UserRow>(`select ${COLUMNS} from app_user where id = $1`, [userId]);
  return rows[0];
}

export function passwordOf(user: UserRow): PasswordHash | undefined {
  return user.password_hash === null ? undefined : { hash: user.password_hash, pepperId: user.password_pepper_id };
}

/**
 * Whether the password that was verified is still the user's: a sign-in with the old one must not slip in behind a change of
 * it. A renewed hash is no change.
 */
export function isSamePassword(one: UserRow, other: UserRow): boolean {
  return one.password_changed_at === other.password_changed_at;
}

/** The same password under stronger parameters. */
async function storeHash(client: PoolClient, userId: string, { hash, pepperId }: PasswordHash): Promise<void> {
  await client.query('update app_user set password_hash = $2, password_pepper_id = $3 where id = $1', [
    userId,
    hash,
    pepperId,
  ]);
}

/** What an account is counted under: fixed in length, and no address to whoever reads the counters. */
export function accountKeyOf(keys: Keyring, email: string): string {
  return createHmac('sha256', keys.first.key('account')).update(email).digest('base64url');
}
