import express from 'express';
import { Pool } from 'pg';
import { isSigned } from './signature.ts';

const { PORT = '', SECRET = '', WEBHOOK_PATH = '', DATABASE_URL = '' } = process.env;

interface Payload {
  entry: { changes: { value: { messages: { id: string }[] } }[] }[];
}

/**
 * The receiver that many tutorials end with: the JSON is parsed and written out again to check its signature, kept in one
 * INSERT, and its messages are handled before the answer: one INSERT of them all, and one of their effects.
 */
const pool = new Pool({ connectionString: DATABASE_URL, max: 10 });
await pool.query(`
  create table if not exists webhook (id bigserial primary key, body jsonb not null, received_at timestamptz default now());
  create table if not exists event (id bigserial primary key, webhook_id bigint not null, key text not null, raw jsonb not null);
  create index if not exists event_by_key on event (key);
  create table if not exists effect (event_id bigint primary key, applied_at timestamptz default now())`);

const app = express();
app.post(WEBHOOK_PATH, express.json({ limit: '3mb' }), async (request, response) => {
  const text = JSON.stringify(request.body);
  if (!isSigned(Buffer.from(text), request.get('x-hub-signature-256'), SECRET)) {
    response.status(403).end();
    return;
  }
  const kept = await pool.query<{ id: string }>({
    name: 'keep',
    text: 'insert into webhook (body) values ($1) returning id',
    values: [text],
  });
  const { entry } = request.body as Payload;
  const messages = entry.flatMap(({ changes }) => changes.flatMap(({ value }) => value.messages));
  const events = await pool.query<{ id: string }>({
    name: 'events',
    text: `insert into event (webhook_id, key, raw)
      select $1, message->>'id', message from jsonb_array_elements($2::jsonb) as message returning id`,
    values: [kept.rows[0]?.id, JSON.stringify(messages)],
  });
  await pool.query({
    name: 'effects',
    text: 'insert into effect (event_id) select unnest($1::bigint[])',
    values: [events.rows.map(({ id }) => id)],
  });
  response.status(200).end();
});
app.listen(Number(PORT), '127.0.0.1');
