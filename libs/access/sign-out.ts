import { inTransaction } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { AccessContext } from '#access/context.ts';
import { sessionsEnded, type EndedSession } from '#access/end-session.ts';
import { endReused, standingOf, type Presented } from '#access/refresh-replay.ts';

const END = `
  with ended as (
    update refresh_token set ended_at = clock_timestamp(), sealed_successor = null
    where session_id = $1 and (current_hash = $2 or previous_hash = $2) and ended_at is null
      and now() < idle_expires_at and now() < absolute_expires_at
    returning session_id
  )
  update user_session s set ended_at = clock_timestamp(), end_reason = 'logout'
  from ended e
  where s.id = e.session_id
  returning s.id, s.user_id`;

/**
 * Ends a session by its refresh token, or by the parent of it, for a client that lost an answer. An older one is a replay.
 * @throws Failure `session-ended`, `session-expired`, `refresh-reused`.
 */
export async function signOut(
  context: Pick<AccessContext, 'pool' | 'record' | 'keys' | 'onEnded'>,
  given: Presented,
): Promise<void> {
  const { presented, client } = given;
  const isEnded = await inTransaction(context.pool, async (connection) => {
    const { rows } = await connection.query<EndedSession>(END, [presented.sessionId, presented.secretHash]);
    const owner = rows[0]?.user_id;
    if (owner === undefined) return false;
    const actor = { actorId: owner, actorKind: 'user', addressPrefix: client.addressPrefix } as const;
    await context.record(connection, sessionsEnded(actor, rows, 'logout'));
    return true;
  });
  if (!isEnded) {
    const standing = await standingOf(context, given);
    // Current now, but not a moment ago: another request moved on in between.
    if (standing.is_current || standing.is_parent) throw new Failure('refresh-unsettled', { retryAfterSeconds: 1 });
    await endReused(context, given, standing);
  }
  context.onEnded([presented.sessionId]);
}
