import { inTransaction } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { AccessContext } from '#access/context.ts';
import { lockUser } from '#access/end-session.ts';
import { provePassword, type Proof } from '#access/prove-password.ts';

type StepUpContext = Pick<AccessContext, 'pool' | 'keys' | 'passwords' | 'signInLimit' | 'record'>;

// A session that a per-user not-before has ended must not come back.
const CONFIRM = `
  update user_session s set authenticated_at = clock_timestamp()
  from refresh_token r, app_user u
  where s.id = $1 and s.user_id = $2 and r.session_id = s.id and u.id = s.user_id and r.ended_at is null
    and now() < r.absolute_expires_at and s.authenticated_at > u.sessions_not_before`;

/** Makes a session fresh again by its user's password. @throws Failure `password-wrong`, `session-ended`. */
export async function stepUp(context: StepUpContext, proof: Proof): Promise<void> {
  const { point } = await provePassword(context, proof, 'step-up.failed');
  await inTransaction(context.pool, async (client) => {
    await lockUser(client, proof.userId);
    const { rowCount } = await client.query(CONFIRM, [proof.sessionId, proof.userId]);
    if (rowCount === 0) throw new Failure('session-ended');
    await point.refund(client);
    await context.record(client, [
      {
        type: 'step-up.passed',
        actorId: proof.userId,
        actorKind: 'user',
        addressPrefix: proof.client.addressPrefix,
        targetKind: 'session',
        targetId: proof.sessionId,
      },
    ]);
  });
}
