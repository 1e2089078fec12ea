import { randomBytes } from 'node:crypto';
import type { PoolClient } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import type { AccessContext, Actor } from '#access/context.ts';
import { deviceHashOf, deviceLabelOf, type Device } from '#access/device.ts';
import { sessionsEnded, type EndedSession } from '#access/end-session.ts';
import { hashOf, refreshTokenText } from '#access/refresh-token-text.ts';
import type { Role } from '#access/user.ts';

/** The client that a session is started for. */
export interface Client {
  device: Device;
  userAgent: string | undefined;
  addressPrefix: string;
}

export interface StartedSession {
  sessionId: string;
  refreshToken: string;
  absoluteSeconds: number;
}

export type SessionStart = Pick<
  AccessContext,
  'keys' | 'record' | 'idleSeconds' | 'absoluteSeconds' | 'sessionsPerUser'
>;

const END_SURPLUS = `
  with surplus as (
    select r.session_id
    from refresh_token r join user_session s on s.id = r.session_id
    where r.user_id = $1 and r.ended_at is null and now() < r.idle_expires_at and now() < r.absolute_expires_at
    order by s.created_at desc, s.id desc
    offset $2::int
  ), ended as (
    update refresh_token r set ended_at = clock_timestamp(), sealed_successor = null
    from surplus x
    where r.session_id = x.session_id and r.ended_at is null
    returning r.session_id, r.user_id
  )
  update user_session s set ended_at = clock_timestamp(), end_reason = 'cap'
  from ended e
  where s.id = e.session_id
  returning s.id, s.user_id`;

const INSERT = `
  with moment as (select clock_timestamp() as now), session as (
    insert into user_session (id, user_id, created_at, authenticated_at, method, device_label, address_prefix)
    select $1, $2, now, now, $3, $4, $5 from moment
  )
  insert into refresh_token (session_id, user_id, current_hash, device_hash, idle_seconds, last_used_at, idle_expires_at,
    absolute_expires_at)
  select $1, $2, $6, $7, $8::int, now, now + make_interval(secs => least($8::int, $9::int)), now + make_interval(secs => $9::int) from moment`;

/**
 * Starts a session inside the caller's transaction, which must hold the user's row. The oldest sessions over the cap end.
 * @returns the session, and the ids of those that ended.
 */
export async function startSession(
  context: SessionStart,
  client: PoolClient,
  user: { id: string; role: Role },
  start: { client: Client; method: 'password' },
): Promise<{ session: StartedSession; endedIds: string[] }> {
  const actor: Actor = { actorId: user.id, actorKind: 'user', addressPrefix: start.client.addressPrefix };
  const surplus = await client.query<EndedSession>(END_SURPLUS, [user.id, context.sessionsPerUser - 1]);
  const session = await insertSession(context, client, user, start);
  await context.record(client, [
    ...sessionsEnded(actor, surplus.rows, 'cap'),
    { ...actor, type: 'login.succeeded', targetKind: 'session', targetId: session.sessionId },
  ]);
  return { session, endedIds: surplus.rows.map(({ id }) => id) };
}

async function insertSession(
  context: SessionStart,
  client: PoolClient,
  user: { id: string; role: Role },
  start: { client: Client; method: string },
): Promise<StartedSession> {
  const { device, userAgent, addressPrefix } = start.client;
  const { first } = context.keys;
  const sessionId = newId();
  const secret = randomBytes(32);
  const absoluteSeconds = context.absoluteSeconds[user.role];
  await client.query({
    name: 'session-insert',
    text: INSERT,
    values: [
      sessionId,
      user.id,
      start.method,
      deviceLabelOf(userAgent),
      addressPrefix,
      hashOf(secret),
      deviceHashOf(first, device),
      context.idleSeconds[user.role],
      absoluteSeconds,
    ],
  });
  return { sessionId, refreshToken: refreshTokenText(first, { sessionId, generation: 0, secret }), absoluteSeconds };
}
