import { conditionsOf, versionsOf } from '../report.ts';
import type { Stores } from '../stores.ts';

/** What the figures of a run on these stores depend on. */
export const conditionsOn = (stores: Stores) =>
  conditionsOf(
    { postgres: stores.postgresVersion, redis: stores.redisVersion, ...versionsOf('express', 'bullmq', 'pg') },
    'PostgreSQL: fsync and synchronous_commit on; Redis: append-only file, synced every second',
  );
