import { randomBytes } from 'node:crypto';
import { Failure } from '#runtime/failure.ts';
import type { AccessContext } from '#access/context.ts';
import { deviceHashesOf, deviceHashOf } from '#access/device.ts';
import { endReused, standingOf, type Presented, type TokenStanding } from '#access/refresh-replay.ts';
import { hashOf, refreshTokenText, type RefreshTokenParts } from '#access/refresh-token-text.ts';
import { openSuccessor, sealSuccessor, type Rotation } from '#access/sealed-successor.ts';

type RefreshContext = Pick<AccessContext, 'pool' | 'record' | 'keys' | 'refreshGraceSeconds' | 'onEnded'>;

export interface Refresh extends Presented {
  /** Seconds since this request arrived, so that our own queueing pushes nobody out of the grace period. */
  waitedSeconds: () => number;
}

export interface Refreshed {
  userId: string;
  sessionId: string;
  refreshToken: string;
  /** Until the session's absolute end. */
  remainingSeconds: number;
  outcome: 'rotated' | 'repeated';
}

/** Replays that arrive within this time of the rotation are one burst of parallel callers: they are read, not counted. */
const BURST_SECONDS = 5;
const MAX_LATE_REPLAYS = 20;

// Everything tested lies in the row that is written: callers behind the first wait for its lock, test again, and change
// nothing. That needs READ COMMITTED.
// The session's own device is kept under the first secret from now on, because the secret that it was known by may be given up
// long before the session ends; another device is not adopted.
const ROTATE = `
  update refresh_token set
    previous_hash = current_hash,
    current_hash = $3,
    sealed_successor = $4,
    generation = generation + 1,
    rotated_at = now(),
    late_replays = 0,
    device_hash = case when device_hash = any($5::bytea[]) then $6 else device_hash end,
    last_used_at = now(),
    idle_expires_at = least(now() + idle_seconds * interval '1 second', absolute_expires_at)
  where session_id = $1 and current_hash = $2 and ended_at is null
    and now() < idle_expires_at and now() < absolute_expires_at
  returning user_id, extract(epoch from absolute_expires_at - now())::float8 as remaining_seconds`;

const COUNT_LATE_REPLAY = `
  update refresh_token set late_replays = late_replays + 1
  where session_id = $1 and previous_hash = $2 and ended_at is null and late_replays < $3`;

/**
 * Exchanges an authentic refresh token for its one successor. The parent of the current token is answered again, with the
 * same successor, for a grace period, from the same device, a bounded number of times; any other replay ends the session.
 * @throws Failure `session-ended`, `session-expired`, `refresh-reused`, or `refresh-unsettled` (try again).
 */
export async function refreshSession(context: RefreshContext, refresh: Refresh): Promise<Refreshed> {
  const rotated = await rotate(context, refresh);
  if (rotated !== undefined) return rotated;
  // A replay that another request overtook looks once more.
  const replayed = (await judgeReplay(context, refresh)) ?? (await judgeReplay(context, refresh));
  if (replayed === undefined) throw new Failure('refresh-unsettled', { retryAfterSeconds: 1 });
  return replayed;
}

async function rotate(context: RefreshContext, { presented, client }: Refresh): Promise<Refreshed | undefined> {
  const { first } = context.keys;
  const { sessionId } = presented;
  const rotation = rotationOf(presented);
  const secret = randomBytes(32);
  const { rows } = await context.pool.query<{ user_id: string; remaining_seconds: number }>({
    name: 'refresh-rotate',
    text: ROTATE,
    values: [
      sessionId,
      presented.secretHash,
      hashOf(secret),
      sealSuccessor(first, rotation, secret),
      deviceHashesOf(context.keys, client.device),
      deviceHashOf(first, client.device),
    ],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    userId: row.user_id,
    sessionId,
    refreshToken: refreshTokenText(first, { sessionId, generation: rotation.generation, secret }),
    remainingSeconds: row.remaining_seconds,
    outcome: 'rotated',
  };
}

/** Undefined if another request changed the row in between. */
async function judgeReplay(context: RefreshContext, refresh: Refresh): Promise<Refreshed | undefined> {
  const { presented } = refresh;
  const standing = await standingOf(context, refresh);
  if (standing.is_current) return undefined;
  const ageSeconds = standing.age_seconds - refresh.waitedSeconds();
  const isForgivable =
    standing.is_parent &&
    standing.same_device &&
    ageSeconds <= context.refreshGraceSeconds &&
    standing.late_replays < MAX_LATE_REPLAYS;
  if (!isForgivable) return endReused(context, refresh, standing);
  if (ageSeconds > BURST_SECONDS) {
    const counted = await context.pool.query(COUNT_LATE_REPLAY, [
      presented.sessionId,
      presented.secretHash,
      MAX_LATE_REPLAYS,
    ]);
    if (counted.rowCount === 0) return undefined;
  }
  return repeat(context, presented, standing);
}

/** The same successor again, from its seal. */
function repeat(context: RefreshContext, presented: RefreshTokenParts, standing: TokenStanding): Refreshed {
  const rotation = rotationOf(presented);
  const opened =
    standing.sealed_successor === null ? undefined : openSuccessor(context.keys, rotation, standing.sealed_successor);
  // Sealed under a secret that this process does not know (yet): another process may.
  if (opened === undefined) throw new Failure('refresh-unsettled', { retryAfterSeconds: 1 });
  const { sessionId, generation } = rotation;
  return {
    userId: standing.user_id,
    sessionId,
    refreshToken: refreshTokenText(opened.keys, { sessionId, generation, secret: opened.secret }),
    remainingSeconds: standing.remaining_seconds,
    outcome: 'repeated',
  };
}

function rotationOf({ sessionId, generation, secret }: RefreshTokenParts): Rotation {
  return { sessionId, generation: generation + 1, parentSecret: secret };
}
