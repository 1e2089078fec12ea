import { Client } from 'pg';

/** Rows beyond the size that are past their time, for the sweeps to remove; of tables with a size. */
export const DUE = 5_000;
/** The version of the signatures that all uploads were scanned with. */
export const SIGNATURES = '27800';

/** Tables that grow with what is taken in, each with what makes row n of `total`; the first rows, those that are due, are the oldest. */
const ROWS = {
  webhook_log: {
    columns: `id, source, provider, verdict, state, dedupe_key, secret_label, text_id, sha256, size_bytes, client_address,
      headers, body, correlation_id, received_at, verify_us, batch_wait_us, stored_at, closed_at`,
    values: `ID, SOURCE, SOURCE, case when n % 100 = 0 then 'refused:signature-mismatch' else 'accepted' end, 'done',
      case when n % 100 > 0 then sha256(int4send(n)) end, 'current', case when n % 3 = 0 then md5('text' || n) end,
      sha256(int4send(n)), 799, '203.0.113.' || n % 250,
      '{"content-type": "application/json", "user-agent": "facebookexternalua"}'::jsonb,
      convert_to('{"entry": [{"id": "' || md5(n::text) || '"}]}', 'utf8'), md5('request' || n), AT, 40, 900, AT, AT`,
  },
  webhook_event: {
    columns: `id, source, event_key, receipt_id, type, occurred_at, subjects, data, raw, state, correlation_id, created_at,
      closed_at`,
    values: `ID, SOURCE, 'wamid.' || md5(n::text), ID, 'message.received', AT,
      array['16505' || lpad((n::bigint * 7919 % 1000000)::text, 6, '0')], '{"text": "Hello!"}', '{"type": "text"}', 'done',
      md5('request' || n), AT, AT`,
  },
  webhook_effect: {
    columns: 'event_id, handler, replay, applied_at',
    values: `ID, 'forward', 0, AT`,
  },
  app_user: {
    columns: 'id, email, name, role',
    values: `ID, 'filled-' || n || '@example.com', 'Test Person', 'user'`,
  },
  user_session: {
    columns: 'id, user_id, created_at, authenticated_at, method, device_label, address_prefix, ended_at, end_reason',
    values: `ID, USER, AT, AT, 'password', 'Firefox on Linux', '203.0.113.0/24', ENDED,
      case when n % 20 = 0 then 'signed-out' end`,
  },
  refresh_token: {
    columns: `session_id, user_id, current_hash, previous_hash, sealed_successor, generation, rotated_at, device_hash,
      idle_seconds, last_used_at, idle_expires_at, absolute_expires_at, ended_at`,
    values: `ID, USER, sha256(int4send(n)), sha256(int4send(-n)), sha256(int4send(n)) || sha256(int4send(-n)), n % 50, AT,
      sha256(int4send(n % 1000)), 1209600, AT, now() + interval '1 day',
      case when n <= DUE then now() - interval '8 days' else now() + make_interval(mins => n % 40000) end, ENDED`,
  },
  upload: {
    columns: `id, owner_id, ticket_id, status, original_name, extension, declared_type, verified_type, verification,
      size_bytes, sha256, stored_name, signatures, signature_version, attempts, next_check_at, created_at, updated_at,
      scanned_at, deleted_at`,
    values: `ID, case when n % 100 < cardinality($1::uuid[]) then ($1::uuid[])[1 + n % 100] else USER end, 'ticket-' || n / 3, 'clean',
      'invoice-' || n || '.pdf', 'pdf', 'application/pdf', 'application/pdf', 'structure', 100000 + n % 100000,
      sha256(int4send(n)), case when n > DUE then md5('file' || n) end, 'official', '${SIGNATURES}', 1, AT, AT, AT, AT,
      case when n <= DUE then now() - interval '31 days' end`,
  },
} satisfies Record<string, { columns: string; values: string }>;

export type GrowingTable = keyof typeof ROWS;
export const GROWING = Object.keys(ROWS) as GrowingTable[];

/** The id of row n: in the order of n, as ids of version 7 are in the order of time. */
export const filledId = (n: number): string => `${n.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;

const idOf = (n: string): string => `(lpad(to_hex(${n}), 8, '0') || '-0000-7000-8000-000000000000')::uuid`;

const WORDS: Record<string, string> = {
  ID: idOf('n'),
  USER: idOf('1 + n % greatest(1, total / 10)'),
  SOURCE: `case when n % 3 = 0 then 'shop' else 'whatsapp' end`,
  // A month of them, and before it what is past its time.
  AT: `case when n <= DUE then now() - interval '31 days' - make_interval(secs => DUE - n)
    else now() - interval '29 days' * ((total - n)::float8 / total) end`,
  ENDED: `case when n % 20 = 0 then now() - make_interval(mins => n % 8000) end`,
};

export interface Filling {
  /** Rows of a month. */
  size: number;
  /** Older ones that are past their time. */
  due?: number;
  /** Whose uploads are those whose number ends in 00, 01 and so on, up to their count. */
  people?: readonly string[];
}

/**
 * Fills the growing tables with as many rows, as of a month. Indexes are made afterwards, as a restored dump's are.
 */
export async function fillTables(
  superuserUrl: string,
  { size, due = size > 0 ? DUE : 0, people = [], tables }: Filling & { tables: readonly GrowingTable[] },
): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(
      `set synchronous_commit = off; set maintenance_work_mem = '512MB'; set client_min_messages = error`,
    );
    // Without foreign keys being looked up row by row.
    await client.query('set session_replication_role = replica');
    for (const table of tables) {
      const startedAt = performance.now();
      if (size + due > 0) await fillTable(client, table, { size, due, people });
      await client.query(`vacuum (analyze) ${table}`);
      if (size + due >= 1_000_000) {
        console.log(`${table}: ${size + due} rows in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
      }
    }
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

async function fillTable(client: Client, table: GrowingTable, { size, due, people }: Required<Filling>): Promise<void> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where tablename = $1 and indexname not in (select conname from pg_constraint)`,
    [table],
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  const { columns, values } = ROWS[table];
  const expanded = values.replaceAll(/\b(?:ID|USER|SOURCE|AT|ENDED)\b/g, (word) => WORDS[word] ?? word);
  const total = size + due;
  await client.query(
    `insert into ${table} (${columns}) select ${expanded.replaceAll(/\bDUE\b/g, String(due))}
     from (select n, ${total} as total from generate_series(1, ${total}) as n) as numbered`,
    expanded.includes('$1') ? [people] : [],
  );
  for (const { definition } of rows) await client.query(definition);
}
