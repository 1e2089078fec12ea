import { openPool } from '#database/pool.ts';
import { sealAll } from '#audit/seal-events.ts';
import { runAs } from '#testing/database-template.ts';
import type { TestDatabase } from '#testing/database.ts';
import { insertManyReceipts } from '#testing/many-receipts.ts';

export const ROWS = 20_000;
const USERS = ROWS / 2;
const SMALL_SEALS = 1_200;
/** So that they are of about ten days. */
const EVENT_SECONDS = 80;

/** Uuids in the order of n. */
const id = (n: string): string => `(lpad(to_hex(${n}), 8, '0') || '-0000-7000-8000-000000000000')::uuid`;

const users = `
  insert into app_user (id, email, name, role)
  select ${id('n')}, 'user-' || n || '@many.example', 'User ' || n, case when n % 1000 = 0 then 'agent' else 'user' end
  from generate_series(1, ${USERS}) as n`;

/** Two for each user; of twenty one is still alive. */
const sessions = `
  with session as (
    insert into user_session (id, user_id, created_at, authenticated_at, method, device_label, address_prefix, ended_at)
    select ${id('n')}, ${id(`1 + n % ${USERS}`)}, at, at, 'password', 'Firefox on Linux', '203.0.113.0/32',
      case when n % 20 > 0 then at + interval '1 hour' end
    from (select n, now() - make_interval(mins => ${ROWS} - n) as at from generate_series(1, ${ROWS}) as n) as rows
    returning id, user_id, created_at, ended_at
  )
  insert into refresh_token (session_id, user_id, current_hash, device_hash, idle_seconds, last_used_at, idle_expires_at,
    absolute_expires_at, ended_at)
  select id, user_id, sha256(uuid_send(id)), '\\x00', 86400, created_at, created_at + interval '20 days',
    created_at + interval '30 days', ended_at
  from session`;

const tokens = `
  insert into api_token (id, user_id, name, secret_hash, scopes, expires_at)
  select ${id('n')}, ${id('n')}, 'token', sha256(int4send(n)), '{uploads:read}', now() + make_interval(mins => n)
  from generate_series(1, ${USERS}) as n`;

const resets = `
  insert into password_reset (secret_hash, user_id, expires_at)
  select sha256(int4send(n)), ${id('n')}, now() + make_interval(mins => n) from generate_series(1, ${USERS}) as n`;

const counters = `
  insert into limiter_counter (key, points, expires_at)
  select 'many:' || n, 1, now() + make_interval(mins => n) from generate_series(1, ${ROWS}) as n`;

/** Of a hundred one waits, one was refused, one was deleted. */
const uploads = `
  insert into upload (id, owner_id, ticket_id, status, original_name, extension, declared_type, verified_type, size_bytes,
    sha256, stored_name, signatures, signature_version, idempotency_key, next_check_at, created_at, deleted_at)
  select ${id('n')}, ${id(`1 + n % ${USERS}`)}, 'ticket-' || n % 5000,
    case n % 100 when 0 then 'quarantined' when 1 then 'rejected' else 'clean' end, 'many.txt', 'txt', 'text/plain',
    'text/plain', 1000, sha256(int4send(n)), case when n % 100 not in (1, 2) then encode(sha256(int4send(n)), 'hex') end,
    'test-only', 'none', 'key-' || n, now() + interval '1 hour', now() - make_interval(mins => 3 * (${ROWS} - n)),
    case when n % 100 = 2 then now() - make_interval(mins => ${ROWS} - n) end
  from generate_series(1, ${ROWS}) as n`;

/** Verdicts on uploads; one in a thousand is dead. */
const ownEvents = `
  insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id, created_at)
  select gen_random_uuid(), 'uploads', 'own-' || n, null, 'upload.clean', '{}', '{}', '{}',
    case when n % 1000 = 1 then 'dead' else 'done' end, 'request-' || n, now() - make_interval(secs => (${ROWS} - n) * 26)
  from generate_series(1, ${ROWS}) as n`;

const effects = `
  insert into webhook_effect (event_id, handler, replay, applied_at)
  select id, 'forward', 0, created_at from webhook_event`;

const statuses = `
  insert into message_status (source, message_id, status, rank, event_id, changed_at)
  select source, event_key, 'read', 3, id, created_at from webhook_event`;

const events = (count: number, agoSeconds: number): string => `
  insert into security_event (id, type, severity, occurred_at, actor_id, actor_kind, target_kind, target_id, address_prefix,
    correlation_id, source, details)
  select uuidv7(ago), case when n % 500 = 0 then 'refresh.reused' else 'login.failed' end,
    case when n % 500 = 0 then 'critical' else 'notice' end, now() + ago, ${id(`1 + n % ${USERS}`)}, 'user', 'session',
    'session-' || n, '203.0.' || n / 100 % 256 || '.0/32', 'request-' || n, case when n % 900 = 0 then 'rare' end, '{}'
  from (
    select n, make_interval(secs => (n - ${count}) * ${EVENT_SECONDS} - ${agoSeconds}) as ago from generate_series(1, ${count}) as n
  ) as rows`;

const contexts = `
  insert into audit_context (event_id, device, network) select id, 'Firefox on Linux', '203.0.113.0/24' from security_event`;

/** Rows as they are after some weeks, in every table that grows, and the planner's statistics of them. */
export async function insertManyRows(database: TestDatabase): Promise<void> {
  const pool = openPool(database.url, { name: 'many', max: 1, statementMs: 60_000, onError: () => undefined });
  try {
    await insertManyReceipts(database, ROWS);
    for (const text of [users, sessions, tokens, resets, counters, uploads, ownEvents, effects, statuses])
      await pool.query(text);
    const never = new AbortController().signal;
    await pool.query(events(2 * SMALL_SEALS, (ROWS / 2) * EVENT_SECONDS));
    await sealAll(pool, never, { maxBatch: 2 });
    await pool.query(events(ROWS / 2, 0));
    await sealAll(pool, never);
    await pool.query(contexts);
  } finally {
    await pool.end();
  }
  await runAs(database.superuserUrl, 'vacuum analyze');
}
