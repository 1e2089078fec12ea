import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Pool } from 'pg';
import { measure } from '../access/measure.ts';
import { timeBurst } from '../queues/measure.ts';
import { GROWING } from './fill.ts';
import type { Stores } from '../stores.ts';
import type { Place } from './place.ts';
import { sweepCosts } from './sweep-costs.ts';

const SETTLE_MS = 1_500;
const MESSAGES = 100;
const CONNECTIONS = 2;

/** Runs everything that is hot once more, with every statement of ingress, worker and sweeps explained as it runs. */
export async function explainAll(
  place: Place,
  { secret, workers, stores }: { secret: string; workers: readonly number[]; stores: Stores },
): Promise<void> {
  await explainSessions(place.urls.superuserUrl);
  await sleep(SETTLE_MS);
  const { port, pool, urls, refreshes, polls } = place;
  const worked = { kind: { name: 'explained' }, port, effects: pool, pids: () => [...place.pids, ...workers] };
  await timeBurst(worked, { secret, messages: MESSAGES, connections: CONNECTIONS });
  for (const contestant of [refreshes, polls]) {
    await measure({ ...contestant, clients: contestant.clients.slice(0, 1) }, 0.3);
  }
  await fetch(`http://127.0.0.1:${port}/metrics`).then((response) => response.text());
  await sweepCosts(urls.url, stores);
  await sleep(SETTLE_MS);
}

/** New sessions of this database explain what they run; those there are must come again. */
async function explainSessions(superuserUrl: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const name = client.database ?? '';
    const settings = {
      session_preload_libraries: 'auto_explain',
      'auto_explain.log_min_duration': '0',
      'auto_explain.log_format': 'json',
      'auto_explain.log_parameter_max_length': '0',
    };
    for (const [setting, value] of Object.entries(settings)) {
      await client.query(`alter database ${name} set ${setting} = '${value}'`);
    }
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
      [name],
    );
  } finally {
    await client.end();
  }
}

/** How often each growing table has been read from end to end since its database was made. */
export async function readsThrough(pool: Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ name: string; times: number }>(
    'select relname as name, seq_scan::int as times from pg_stat_user_tables where relname = any($1)',
    [GROWING],
  );
  return new Map(rows.map(({ name, times }) => [name, times]));
}
