import type { Pool } from '#database/pool.ts';
import type { SessionUsers } from '#testing/chaos/use-sessions.ts';

/** How the sessions compare with what was promised of them. */
export interface SessionComparison {
  ended: number;
  live: number;
  faults: string[];
}

const STANDINGS = `
  select count(*) filter (where session_id = any($1) and ended_at is null)::int as "notEnded",
    count(*) filter (where session_id = any($2) and ended_at is not null)::int as "notLive"
  from refresh_token`;
const ACCUSED = `select count(*)::int as count from security_event where type = 'refresh.reused'`;

/** Every session whose end was answered is over, no other, and nobody was taken for a thief. */
export async function compareSessions(pool: Pool, users: SessionUsers): Promise<SessionComparison> {
  const live = users.live().map(({ sessionId }) => sessionId);
  const { rows: standings } = await pool.query<{ notEnded: number; notLive: number }>(STANDINGS, [users.ended, live]);
  const { rows: accused } = await pool.query<{ count: number }>(ACCUSED);
  const { notEnded = 0, notLive = 0 } = standings[0] ?? {};
  const thefts = accused[0]?.count ?? 0;
  const faults: string[] = [];
  if (notEnded > 0) faults.push(`${notEnded} sessions live although their end was answered`);
  if (notLive > 0) faults.push(`${notLive} sessions are over although nobody ended them`);
  if (thefts > 0) faults.push(`${thefts} sessions were ended for a theft that was none`);
  return { ended: users.ended.length, live: live.length, faults };
}
