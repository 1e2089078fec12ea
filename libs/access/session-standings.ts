import { databaseFailure, type Queryable } from '#database/pool.ts';
import type { Soon } from '#runtime/soon.ts';
import { BoundedMap } from '#access/bounded-map.ts';
import type { Role } from '#access/user.ts';

/** What holds of a live session and of its user at the time of asking. */
export interface SessionStanding {
  userId: string;
  role: Role;
  /** Seconds since the last proof of a factor, by the database's clock at the time of reading. */
  authenticatedSeconds: number;
}

export interface SessionStandings {
  /**
   * The standing of a session, or undefined if it is over. At most `maxAgeMs` old, counted from before it was read: an end
   * on any process is seen after that time at the latest, with no message arriving at all.
   * @throws Failure `database-unavailable`: nobody is let in on an older answer.
   */
  of(sessionId: string): Soon<SessionStanding | undefined>;
  /** Ends that this process knows of are in force at once. */
  end(sessionIds: readonly string[]): void;
  /** What changed on this process is read anew. */
  forget(sessionId: string): void;
  /** Aborts when the session ends, while `until` isn't aborted. For requests that stay open. */
  watch(sessionId: string, until: AbortSignal): AbortSignal;
}

/** An entry is younger than the promised second when it is used. */
export const MAX_STANDING_AGE_MS = 750;

const MAX_ENTRIES = 50_000;
const MAX_READ = 200;

const READ = `
  select r.session_id, r.user_id, u.role,
    extract(epoch from now() - s.authenticated_at)::float8 as authenticated_seconds
  from refresh_token r
    join user_session s on s.id = r.session_id
    join app_user u on u.id = r.user_id
  where r.session_id = any($1::uuid[]) and r.ended_at is null and now() < r.absolute_expires_at
    and u.disabled_at is null and s.authenticated_at > u.sessions_not_before`;

interface StandingRow {
  session_id: string;
  user_id: string;
  role: Role;
  authenticated_seconds: number;
}

type Entry = { readAtMs: number; standing: SessionStanding } | 'ended';

interface Read {
  begunAtMs: number;
  answer: Promise<SessionStanding | undefined>;
}

interface Options {
  pool: Queryable;
  maxAgeMs?: number;
  now?: () => number;
}

/** Sessions asked for in one turn of the event loop are read in one statement; who asks while one is read gets its answer. */
export function openSessionStandings({
  pool,
  maxAgeMs = MAX_STANDING_AGE_MS,
  now = () => performance.now(),
}: Options): SessionStandings {
  const entries = new BoundedMap<string, Entry>(MAX_ENTRIES);
  const reads = new Map<string, Read>();
  let gathering: { ids: string[]; rows: Promise<Map<string, SessionStanding>> } | undefined;

  function read(sessionId: string): Read {
    if (gathering === undefined || gathering.ids.length >= MAX_READ) {
      const ids: string[] = [];
      gathering = { ids, rows: new Promise((resolve) => setImmediate(resolve)).then(() => readAll(ids)) };
    }
    gathering.ids.push(sessionId);
    const answer = gathering.rows
      .then((standings) => standings.get(sessionId))
      .finally(() => {
        if (reads.get(sessionId) === begun) reads.delete(sessionId);
      });
    const begun = { begunAtMs: now(), answer };
    reads.set(sessionId, begun);
    return begun;
  }

  async function readAll(ids: string[]): Promise<Map<string, SessionStanding>> {
    if (gathering?.ids === ids) gathering = undefined;
    const readAtMs = now();
    const rows = await readRows(pool, ids);
    const found = new Map<string, SessionStanding>();
    for (const id of ids) {
      const standing = rows.get(id);
      // An end that came while the read was under way is final.
      if (entries.get(id) === 'ended') continue;
      entries.set(id, standing === undefined ? 'ended' : { readAtMs, standing });
      if (standing !== undefined) found.set(id, standing);
    }
    return found;
  }

  const standings: SessionStandings = {
    of(sessionId) {
      const entry = entries.get(sessionId);
      if (entry === 'ended') return undefined;
      if (entry !== undefined && now() - entry.readAtMs < maxAgeMs) return entry.standing;
      const underWay = reads.get(sessionId);
      // A database that is slow to answer must not let in whoever asks after the end on what it saw before.
      const isFresh = underWay !== undefined && now() - underWay.begunAtMs < maxAgeMs;
      return (isFresh ? underWay : read(sessionId)).answer;
    },
    end(sessionIds) {
      for (const id of sessionIds) entries.set(id, 'ended');
    },
    forget(sessionId) {
      if (entries.get(sessionId) !== 'ended') entries.delete(sessionId);
    },
    watch(sessionId, until) {
      return watch(standings, sessionId, until);
    },
  };
  return standings;
}

async function readRows(pool: Queryable, ids: readonly string[]): Promise<Map<string, SessionStanding>> {
  try {
    const { rows } = await pool.query<StandingRow>({ name: 'session-standings', text: READ, values: [ids] });
    return new Map(
      rows.map((row) => [
        row.session_id,
        { userId: row.user_id, role: row.role, authenticatedSeconds: row.authenticated_seconds },
      ]),
    );
  } catch (error) {
    throw databaseFailure(error);
  }
}

const WATCH_MS = 500;

function watch(standings: SessionStandings, sessionId: string, until: AbortSignal): AbortSignal {
  const ended = new AbortController();
  const timer = setInterval(() => void look(), WATCH_MS);
  timer.unref();
  const stop = (): void => clearInterval(timer);
  until.addEventListener('abort', stop, { once: true });
  const look = async (): Promise<void> => {
    // With the database away the request's own deadline decides.
    const standing = await Promise.resolve(standings.of(sessionId)).catch(() => 'unknown');
    if (standing !== undefined) return;
    stop();
    ended.abort();
  };
  return ended.signal;
}
