import { createHash, randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { isSigned } from './signature.ts';

const { PORT = '', SECRET = '', WEBHOOK_PATH = '', DATABASE_URL = '', QUEUE_URL = '' } = process.env;

/** The usual durable receiver: for each request one INSERT and one job, then yes. */
const pool = new Pool({ connectionString: DATABASE_URL, max: 10 });
const queue = new Queue('webhooks', { connection: new Redis(QUEUE_URL, { maxRetriesPerRequest: null }) });
await pool.query(`
  create table if not exists webhook (
    id uuid primary key,
    source text not null,
    dedupe_key bytea not null,
    headers jsonb not null,
    body bytea not null,
    received_at timestamptz not null default now(),
    state text not null default 'open',
    unique (source, dedupe_key)
  )`);

const app = express();
app.post(WEBHOOK_PATH, express.raw({ type: '*/*', limit: '3mb' }), async (request, response) => {
  const body = request.body as Buffer;
  if (!isSigned(body, request.get('x-hub-signature-256'), SECRET)) {
    response.status(403).end();
    return;
  }
  const id = randomUUID();
  const { rowCount } = await pool.query({
    name: 'insert',
    text: `insert into webhook (id, source, dedupe_key, headers, body) values ($1, 'whatsapp', $2, $3, $4)
      on conflict (source, dedupe_key) do nothing`,
    values: [id, createHash('sha256').update(body).digest(), JSON.stringify(request.headers), body],
  });
  if (rowCount === 1) await queue.add('webhook', { id });
  response.status(200).end();
});
app.listen(Number(PORT), '127.0.0.1');
