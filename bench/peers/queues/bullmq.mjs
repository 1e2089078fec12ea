import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'pg';

const QUEUE = 'effects';

const connect = (redisUrl) => new Redis(redisUrl, { maxRetriesPerRequest: null });

function openPool(databaseUrl) {
  const pool = new Pool({ connectionString: databaseUrl, max: 10 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** A row for the payload and a job that names it: what most receivers do. */
export async function openProducer({ databaseUrl, redisUrl }) {
  const pool = openPool(databaseUrl);
  await pool.query(
    'create table if not exists webhook (id uuid primary key, key text unique, body text, done_at timestamptz)',
  );
  const queue = new Queue(QUEUE, { connection: connect(redisUrl) });
  queue.on('error', (error) => console.error(`bullmq: ${error.message}`));
  const defaults = { attempts: 10, backoff: { type: 'exponential', delay: 500 }, removeOnComplete: true };
  return {
    async add(key, body) {
      const id = randomUUID();
      await pool.query({
        name: 'insert',
        text: 'insert into webhook (id, key, body) values ($1, $2, $3)',
        values: [id, key, body],
      });
      await queue.add('effect', { id }, defaults);
    },
  };
}

export function work({ databaseUrl, redisUrl }, effects) {
  const pool = openPool(databaseUrl);
  const perform = async ({ data }) => {
    const { rows } = await pool.query({
      name: 'read',
      text: 'select key from webhook where id = $1',
      values: [data.id],
    });
    await effects.apply(rows[0].key);
    await pool.query({ name: 'done', text: 'update webhook set done_at = now() where id = $1', values: [data.id] });
  };
  const worker = new Worker(QUEUE, perform, { connection: connect(redisUrl), concurrency: 16 });
  worker.on('error', (error) => console.error(`bullmq: ${error.message}`));
}

/** Jobs that it still holds. */
export async function waiting({ redisUrl }) {
  const connection = connect(redisUrl);
  const queue = new Queue(QUEUE, { connection });
  try {
    const { waiting: wait, active, delayed } = await queue.getJobCounts('waiting', 'active', 'delayed');
    return wait + active + delayed;
  } finally {
    await queue.close();
    connection.disconnect();
  }
}
