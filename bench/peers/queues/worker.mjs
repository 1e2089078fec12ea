import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';

const { PEER = '', DATABASE_URL, QUEUE_URL, WORK_MS = '0' } = process.env;
const APPLY = 'insert into effect (key) values ($1)';

/** Works off a peer's queue: each job is one row in `effect`, and then perhaps some more work. */
const pool = new Pool({ connectionString: DATABASE_URL, max: 8 });
pool.on('error', () => undefined);
pool.on('connect', (client) => client.on('error', () => undefined));

const effects = {
  async apply(key, query = (text, values) => pool.query({ name: 'apply', text, values })) {
    await query(APPLY, [key]);
    if (WORK_MS !== '0') await sleep(Number(WORK_MS));
  },
};

const { work } = await import(`./${PEER}.mjs`);
await work({ databaseUrl: DATABASE_URL, redisUrl: QUEUE_URL }, effects);
