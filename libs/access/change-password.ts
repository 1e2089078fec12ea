import { inTransaction, type PoolClient } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { AccessContext, Actor } from '#access/context.ts';
import { endSessionsIn, forbidEarlierSessions, lockUser, type EndReason } from '#access/end-session.ts';
import type { PasswordFault, PasswordPolicy } from '#access/password-policy.ts';
import type { PasswordHash } from '#access/passwords.ts';
import { provePassword, type Proof } from '#access/prove-password.ts';
import { isSamePassword, userById } from '#access/sign-in.ts';

type ChangeContext = Pick<AccessContext, 'pool' | 'keys' | 'passwords' | 'signInLimit' | 'record' | 'onEnded'> & {
  passwordPolicy: PasswordPolicy;
};

const FAULTS: Record<PasswordFault, string> = {
  'too-short': 'the password is too short',
  'too-long': 'the password is too long',
  common: 'the password is among the first that would be tried: a common word, a row of keys, a name or a repetition',
  malformed: 'the password holds half of a character',
};

/** @throws Failure `password-refused`, with the reason. */
export function requireGoodPassword(policy: PasswordPolicy, password: string, context: readonly string[]): void {
  const fault = policy.faultOf(password, context);
  if (fault !== undefined) throw new Failure('password-refused', { detail: FAULTS[fault] });
}

/**
 * Replaces a password by its owner, who proves the old one. The session at hand lives on, all others end.
 * @throws Failure `password-wrong`, `password-refused`, `session-ended`, `limit-exceeded`, `sign-in-busy`.
 */
export async function changePassword(context: ChangeContext, proof: Proof & { newPassword: string }): Promise<void> {
  const { userId, sessionId, newPassword } = proof;
  const { user, point } = await provePassword(context, proof, 'password.failed');
  const made = await makeGood(context, user, newPassword).catch(async (error: unknown) => {
    // The old password was right: whoever has to think of another new one has guessed nothing.
    await point.refund(context.pool);
    throw error;
  });
  const actor: Actor = { actorId: userId, actorKind: 'user', addressPrefix: proof.client.addressPrefix };
  const ended = await inTransaction(context.pool, async (client) => {
    await lockUser(client, userId);
    const locked = await userById(client, userId);
    if (locked === undefined || locked.disabled || !isSamePassword(locked, user)) throw new Failure('password-wrong');
    const ids = await replacePassword(context, client, {
      userId,
      made,
      actor,
      keptSessionId: sessionId,
      reason: 'password-changed',
    });
    await point.refund(client);
    return ids;
  });
  context.onEnded(ended);
}

async function makeGood(
  { passwordPolicy, passwords }: Pick<ChangeContext, 'passwordPolicy' | 'passwords'>,
  user: { email: string; name: string },
  password: string,
): Promise<PasswordHash> {
  requireGoodPassword(passwordPolicy, password, [user.email, user.name]);
  return passwords.make(password);
}

/** Stores a password under the lock of the user's row and ends the user's sessions, but for the one kept. */
export async function replacePassword(
  context: Pick<AccessContext, 'record'>,
  client: PoolClient,
  change: {
    userId: string;
    made: PasswordHash;
    actor: Actor;
    keptSessionId?: string;
    reason: EndReason;
  },
): Promise<string[]> {
  const { userId, made, actor, keptSessionId, reason } = change;
  await client.query(
    `update app_user set password_hash = $2, password_pepper_id = $3, password_changed_at = clock_timestamp()
     where id = $1`,
    [userId, made.hash, made.pepperId],
  );
  await client.query('delete from password_reset where user_id = $1', [userId]);
  await context.record(client, [
    { ...actor, type: 'password.changed', targetKind: 'user', targetId: userId, details: { reason } },
  ]);
  await forbidEarlierSessions(client, userId);
  if (keptSessionId !== undefined) await keepSession(client, userId, keptSessionId);
  return endSessionsIn(context, client, { userId, exceptId: keptSessionId, reason, actor });
}

/** The proof just given is younger than the user's not-before. */
async function keepSession(client: PoolClient, userId: string, sessionId: string): Promise<void> {
  const { rowCount } = await client.query(
    `update user_session s
     set authenticated_at = greatest(clock_timestamp(), u.sessions_not_before + interval '1 microsecond')
     from refresh_token r, app_user u
     where s.id = $1 and s.user_id = $2 and r.session_id = s.id and u.id = s.user_id and r.ended_at is null`,
    [sessionId, userId],
  );
  if (rowCount === 0) throw new Failure('session-ended');
}
