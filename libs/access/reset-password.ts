import { randomBytes } from 'node:crypto';
import { inTransaction } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { canonicalBytes } from '#access/base64url.ts';
import { replacePassword, requireGoodPassword } from '#access/change-password.ts';
import type { AccessContext, Actor } from '#access/context.ts';
import { lockUser } from '#access/end-session.ts';
import type { PasswordPolicy } from '#access/password-policy.ts';
import { hashOf } from '#access/refresh-token-text.ts';

export const RESET_SECONDS = 3_600;

const SECRET_BYTES = 32;

/** Makes the one-time secret of a link to set a password; an earlier one of this user stops working. */
export async function issueReset(
  { pool, record }: Pick<AccessContext, 'pool' | 'record'>,
  { userId, actor }: { userId: string; actor: Actor },
): Promise<string> {
  const secret = randomBytes(SECRET_BYTES);
  await inTransaction(pool, async (client) => {
    await client.query(
      `insert into password_reset (secret_hash, user_id, expires_at)
       values ($1, $2, clock_timestamp() + make_interval(secs => $3))
       on conflict (user_id) do update set secret_hash = excluded.secret_hash, expires_at = excluded.expires_at`,
      [hashOf(secret), userId, RESET_SECONDS],
    );
    await record(client, [{ ...actor, type: 'reset.issued', targetKind: 'user', targetId: userId }]);
  });
  return secret.toString('base64url');
}

type ResetContext = Pick<AccessContext, 'pool' | 'passwords' | 'record' | 'onEnded'> & {
  passwordPolicy: PasswordPolicy;
};

const LIVE = `
  select u.id, u.email, u.name
  from password_reset p join app_user u on u.id = p.user_id
  where p.secret_hash = $1 and clock_timestamp() < p.expires_at and u.disabled_at is null`;

/**
 * Sets a password with the secret of a link, once; every session of the user ends.
 * @throws Failure `reset-invalid`, `password-refused`.
 */
export async function resetPassword(
  context: ResetContext,
  { secret, newPassword, addressPrefix }: { secret: string; newPassword: string; addressPrefix: string },
): Promise<void> {
  const bytes = canonicalBytes(secret);
  if (bytes?.length !== SECRET_BYTES) throw new Failure('reset-invalid');
  const values = [hashOf(bytes)];
  const { rows } = await context.pool.query<{ id: string; email: string; name: string }>(LIVE, values);
  const user = rows[0];
  if (user === undefined) throw new Failure('reset-invalid');
  requireGoodPassword(context.passwordPolicy, newPassword, [user.email, user.name]);
  const made = await context.passwords.make(newPassword);
  const ended = await inTransaction(context.pool, async (client) => {
    await lockUser(client, user.id);
    const still = await client.query(LIVE, values);
    if (still.rowCount === 0) throw new Failure('reset-invalid');
    const actor: Actor = { actorId: user.id, actorKind: 'user', addressPrefix };
    return replacePassword(context, client, { userId: user.id, made, actor, reason: 'password-reset' });
  });
  context.onEnded(ended);
}
