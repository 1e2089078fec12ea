import { inTransaction } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { AccessContext } from '#access/context.ts';
import { deviceHashesOf, deviceLabelOf } from '#access/device.ts';
import type { RefreshTokenParts } from '#access/refresh-token-text.ts';
import type { Client } from '#access/start-session.ts';

type ReplayContext = Pick<AccessContext, 'pool' | 'record' | 'keys' | 'onEnded'>;

/** A refresh token that was found authentic, and who presents it. */
export interface Presented {
  presented: RefreshTokenParts;
  client: Client;
}

/** What the row of a live session says of a presented token. Times are the database's. */
export interface TokenStanding {
  user_id: string;
  is_current: boolean;
  is_parent: boolean;
  same_device: boolean;
  /** Since the last rotation. */
  age_seconds: number;
  late_replays: number;
  sealed_successor: Buffer | null;
  remaining_seconds: number;
}

const STANDING = `
  select
    user_id,
    ended_at is not null as ended,
    now() >= least(idle_expires_at, absolute_expires_at) as expired,
    current_hash = $2 as is_current,
    coalesce(previous_hash = $2, false) as is_parent,
    device_hash = any($3::bytea[]) as same_device,
    coalesce(extract(epoch from now() - rotated_at), 0)::float8 as age_seconds,
    late_replays,
    sealed_successor,
    extract(epoch from absolute_expires_at - now())::float8 as remaining_seconds
  from refresh_token
  where session_id = $1`;

/** @throws Failure `session-ended`, `session-expired`. */
export async function standingOf(context: ReplayContext, { presented, client }: Presented): Promise<TokenStanding> {
  const { rows } = await context.pool.query<TokenStanding & { ended: boolean; expired: boolean }>({
    name: 'refresh-standing',
    text: STANDING,
    values: [presented.sessionId, presented.secretHash, deviceHashesOf(context.keys, client.device)],
  });
  const standing = rows[0];
  if (standing === undefined || standing.ended) throw new Failure('session-ended');
  if (standing.expired) throw new Failure('session-expired');
  return standing;
}

const END_REUSED = `
  with killed as (
    update refresh_token set ended_at = clock_timestamp(), sealed_successor = null
    where session_id = $1 and current_hash <> $2 and ended_at is null
      and now() < idle_expires_at and now() < absolute_expires_at
    returning session_id, generation, extract(epoch from now() - rotated_at)::float8 as seconds_since_rotation
  )
  update user_session s set ended_at = clock_timestamp(), end_reason = 'refresh-reused'
  from killed k
  where s.id = k.session_id
  returning s.user_id, k.generation, k.seconds_since_rotation`;

interface KilledRow {
  user_id: string;
  generation: number;
  seconds_since_rotation: number | null;
}

/**
 * Ends the session of a token that is used again, and writes the one critical event in the same transaction, however many
 * replays arrive together.
 * @throws Failure `refresh-reused`, or `session-ended` where another replay or act was first.
 */
export async function endReused(
  context: ReplayContext,
  { presented, client }: Presented,
  { same_device }: TokenStanding,
): Promise<never> {
  const { sessionId, generation, secretHash } = presented;
  const isKilled = await inTransaction(context.pool, async (connection) => {
    const { rows } = await connection.query<KilledRow>(END_REUSED, [sessionId, secretHash]);
    const killed = rows[0];
    if (killed === undefined) return false;
    await context.record(connection, [
      {
        type: 'refresh.reused',
        actorKind: 'anonymous',
        addressPrefix: client.addressPrefix,
        targetKind: 'session',
        targetId: sessionId,
        details: {
          userId: killed.user_id,
          presentedGeneration: generation,
          currentGeneration: killed.generation,
          secondsSinceRotation: killed.seconds_since_rotation,
          sameDevice: same_device,
          presenterDevice: deviceLabelOf(client.userAgent),
        },
      },
    ]);
    return true;
  });
  context.onEnded([sessionId]);
  throw new Failure(isKilled ? 'refresh-reused' : 'session-ended');
}
