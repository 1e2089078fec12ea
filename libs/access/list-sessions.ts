import type { Queryable } from '#database/pool.ts';
import { pageOf, type Page, type PageQuery } from '#access/page.ts';

/** A session as its owner sees it: nothing that could be used to sign in. */
export interface ListedSession {
  id: string;
  device: string;
  addressPrefix: string;
  createdAt: Date;
  /** Exact to one life of an access token. */
  lastUsedAt: Date;
  method: string;
}

const LIST = `
  select s.id, s.device_label as device, s.address_prefix::text as "addressPrefix", s.created_at as "createdAt",
    r.last_used_at as "lastUsedAt", s.method
  from refresh_token r
    join user_session s on s.id = r.session_id
    join app_user u on u.id = s.user_id
  where r.user_id = $1 and r.ended_at is null and now() < r.idle_expires_at and now() < r.absolute_expires_at
    and s.authenticated_at > u.sessions_not_before and ($2::uuid is null or s.id < $2)
  order by s.id desc
  limit $3`;

/** The live sessions of a user, newest first. */
export async function listSessions(client: Queryable, userId: string, query: PageQuery): Promise<Page<ListedSession>> {
  const { rows } = await client.query<ListedSession>(LIST, [userId, query.cursor ?? null, query.limit + 1]);
  return pageOf(rows, query);
}
