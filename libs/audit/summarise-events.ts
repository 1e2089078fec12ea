import { databaseFailure, type Queryable } from '#database/pool.ts';

export interface EventCount {
  /** The beginning of an hour. */
  hour: Date;
  type: string;
  severity: string;
  /** Acts, those that share a row included. */
  count: number;
}

const SUMMARY = `
  select date_trunc('hour', occurred_at, 'UTC') as hour, type, severity, sum(count)::bigint as count
  from security_event
  where occurred_at >= $1 and occurred_at < $2
  group by 1, 2, 3
  order by 1 desc, 4 desc, 2`;

/** How many security events there were by hour and type, the latest hour first. @throws Failure `database-unavailable`. */
export async function summariseEvents(client: Queryable, from: Date, to: Date): Promise<EventCount[]> {
  try {
    return (await client.query<EventCount>(SUMMARY, [from, to])).rows;
  } catch (error) {
    throw databaseFailure(error);
  }
}
