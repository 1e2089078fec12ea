import { inTransaction, type PoolClient } from '#database/pool.ts';
import type { AccessContext, AccessEvent, Actor } from '#access/context.ts';

export type EndReason =
  | 'logout'
  | 'logout-all'
  | 'ended-by-owner'
  | 'ended-by-admin'
  | 'others-ended'
  | 'cap'
  | 'replaced'
  | 'refresh-reused'
  | 'password-changed'
  | 'password-reset'
  | 'user-disabled'
  | 'role-changed';

type EndContext = Pick<AccessContext, 'pool' | 'record' | 'onEnded'>;

/** What an act that ends sessions is told of. */
export interface SessionEnd {
  reason: EndReason;
  actor: Actor;
}

export interface EndedSession {
  id: string;
  user_id: string;
}

const endWhere = (condition: string): string => `
  with ended as (
    update refresh_token set ended_at = clock_timestamp(), sealed_successor = null
    where ${condition} and ended_at is null and now() < absolute_expires_at
    returning session_id
  )
  update user_session s set ended_at = clock_timestamp(), end_reason = $1
  from ended e
  where s.id = e.session_id
  returning s.id, s.user_id`;

const END_ONE = endWhere('session_id = $2 and user_id = $3');
const END_ANYBODYS = endWhere('session_id = $2');
const END_ALL = endWhere('user_id = $2');
const END_OTHERS = endWhere('user_id = $2 and session_id <> $3');

/** Ends one session of a user; false if this user has no such live session. */
export async function endSession(
  context: EndContext,
  { sessionId, userId, reason, actor }: SessionEnd & { sessionId: string; userId: string },
): Promise<boolean> {
  const ended = await inTransaction(context.pool, async (client) => {
    const { rows } = await client.query<EndedSession>(END_ONE, [reason, sessionId, userId]);
    const foreign: AccessEvent = { ...actor, type: 'session.foreign', targetKind: 'session', targetId: sessionId };
    // Written for unknown and for foreign ids alike, so that neither work nor time tells them apart.
    const wasForeign = rows.length === 0 && reason === 'ended-by-owner';
    await context.record(client, wasForeign ? [foreign] : sessionsEnded(actor, rows, reason));
    return rows;
  });
  context.onEnded(idsOf(ended));
  return ended.length > 0;
}

/** Ends the session that a browser was signed in with until now, whosever it was. */
export async function endReplacedSession(context: EndContext, sessionId: string, actor: Actor): Promise<void> {
  const ended = await inTransaction(context.pool, async (client) => {
    const { rows } = await client.query<EndedSession>(END_ANYBODYS, ['replaced', sessionId]);
    await context.record(client, sessionsEnded(actor, rows, 'replaced'));
    return rows;
  });
  context.onEnded(idsOf(ended));
}

/** Ends the sessions of a user that were created before this call, but for `exceptId`; a later sign-in lives. */
export async function endSessions(
  context: EndContext,
  { userId, exceptId, reason, actor }: SessionEnd & { userId: string; exceptId?: string | undefined },
): Promise<number> {
  const ended = await inTransaction(context.pool, async (client) => {
    await lockUser(client, userId);
    if (exceptId === undefined) await forbidEarlierSessions(client, userId);
    return endSessionsIn(context, client, { userId, exceptId, reason, actor });
  });
  context.onEnded(ended);
  return ended.length;
}

/** The same inside a transaction that holds the user's row. Returns the ids, of which `onEnded` is to be told after the commit. */
export async function endSessionsIn(
  context: Pick<EndContext, 'record'>,
  client: PoolClient,
  { userId, exceptId, reason, actor }: SessionEnd & { userId: string; exceptId?: string | undefined },
): Promise<string[]> {
  const { rows } =
    exceptId === undefined
      ? await client.query<EndedSession>(END_ALL, [reason, userId])
      : await client.query<EndedSession>(END_OTHERS, [reason, userId, exceptId]);
  await context.record(client, sessionsEnded(actor, rows, reason));
  return idsOf(rows);
}

/**
 * The first statement of every act that makes or ends sessions of a user: it alone orders them. Not `for update`, which
 * would collide with the foreign-key checks of new rows.
 */
export async function lockUser(client: PoolClient, userId: string): Promise<void> {
  await client.query('select 1 from app_user where id = $1 for no key update', [userId]);
}

/** Every session whose last proof of a factor is older is over, whatever its own row says. */
export async function forbidEarlierSessions(client: PoolClient, userId: string): Promise<void> {
  await client.query('update app_user set sessions_not_before = clock_timestamp() where id = $1', [userId]);
}

/** One event for each session that ended. */
export function sessionsEnded(actor: Actor, sessions: readonly EndedSession[], reason: EndReason): AccessEvent[] {
  return sessions.map(({ id, user_id }) => ({
    ...actor,
    type: 'session.ended',
    targetKind: 'session',
    targetId: id,
    details: { reason, userId: user_id },
  }));
}

function idsOf(sessions: readonly EndedSession[]): string[] {
  return sessions.map(({ id }) => id);
}
