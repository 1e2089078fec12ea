import type { Queryable } from '#database/pool.ts';
import { FIRST_CHECK_SECONDS, isAccepted, type ReceiptDraft, type StoredReceipt } from '#webhooks/receipt.ts';

const HASH_BYTES = 32;
const NO_HASH = Buffer.alloc(HASH_BYTES);
const NO_BODY = Buffer.alloc(0);

/*
 * Hashes and bodies come as one buffer each, cut apart by offset: an array of bytea would travel as text, twice its size.
 * A copy raises the counters of the first row; a batch that is written again after a lost answer meets its own rows and
 * counts nothing.
 */
const INSERT = `
  insert into webhook_log (id, source, provider, verdict, state, dedupe_key, secret_label, text_id, sha256, size_bytes,
    client_address, headers, body, correlation_id, received_at, verify_us, batch_wait_us, duplicates, next_check_at,
    closed_at)
  select id, source, provider, verdict, state,
    case when keyed then substring($1::bytea from (n::int - 1) * ${HASH_BYTES} + 1 for ${HASH_BYTES}) end,
    secret_label, text_id,
    case when hashed then substring($2::bytea from (n::int - 1) * ${HASH_BYTES} + 1 for ${HASH_BYTES}) end,
    size_bytes, client_address, headers,
    case when body_length >= 0 then substring($3::bytea from body_offset + 1 for body_length) end,
    correlation_id, to_timestamp(received_at_ms / 1000.0), verify_us, batch_wait_us, copies,
    case when state = 'open' then now() + interval '${FIRST_CHECK_SECONDS} seconds' end,
    case when state = 'done' then now() end
  from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[], $10::text[], $11::text[],
    $12::bool[], $13::int[], $14::text[], $15::jsonb[], $16::int[], $17::int[], $18::text[], $19::float8[], $20::int[],
    $21::int[], $22::int[]) with ordinality
    as draft (id, source, provider, verdict, state, keyed, secret_label, text_id, hashed, size_bytes, client_address,
      headers, body_offset, body_length, correlation_id, received_at_ms, verify_us, batch_wait_us, copies, n)
  on conflict (source, dedupe_key) where dedupe_key is not null do update set
    duplicates = webhook_log.duplicates + excluded.duplicates
      + case when webhook_log.id = excluded.id then 0 else 1 end,
    last_duplicate_at = case when webhook_log.id = excluded.id then webhook_log.last_duplicate_at else now() end
  returning id, source, encode(dedupe_key, 'hex') as key`;

interface Group {
  first: ReceiptDraft;
  key: string | undefined;
  copies: number;
}

/**
 * Writes a batch of receipts in one statement and says, in the drafts' order, which row each one has.
 * Keys are sorted, because two batches that hold the same keys in different orders would deadlock.
 */
export async function insertReceipts(
  client: Queryable,
  drafts: readonly ReceiptDraft[],
  nowMs: number,
): Promise<StoredReceipt[]> {
  const groups = groupCopies(drafts);
  const rows = [...groups.values()].toSorted((a, b) => compare(a.key ?? '', b.key ?? ''));
  const result = await client.query<{ id: string; source: string; key: string | null }>({
    name: 'receipts-insert',
    text: INSERT,
    values: valuesOf(rows, nowMs),
  });
  const idOfKey = new Map<string, string>();
  for (const row of result.rows) if (row.key !== null) idOfKey.set(`${row.source} ${row.key}`, row.id);
  const answered = new Set<string>();
  return drafts.map((draft) => {
    const key = keyOf(draft);
    const id = key === undefined ? draft.id : (idOfKey.get(key) ?? draft.id);
    const isCopy = id !== draft.id || answered.has(id);
    answered.add(id);
    return { id, isCopy };
  });
}

function keyOf(draft: ReceiptDraft): string | undefined {
  return draft.dedupeKey === undefined ? undefined : `${draft.source} ${draft.dedupeKey.toString('hex')}`;
}

function groupCopies(drafts: readonly ReceiptDraft[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const draft of drafts) {
    const key = keyOf(draft);
    const group = groups.get(key ?? draft.id);
    if (group === undefined) groups.set(key ?? draft.id, { first: draft, key, copies: 0 });
    else group.copies += 1;
  }
  return groups;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function valuesOf(rows: readonly Group[], nowMs: number): unknown[] {
  const bodies = rows.map(({ first }) => first.body ?? NO_BODY);
  const offsets: number[] = [];
  let offset = 0;
  for (const body of bodies) {
    offsets.push(offset);
    offset += body.length;
  }
  const each = <T>(pick: (draft: ReceiptDraft) => T): T[] => rows.map(({ first }) => pick(first));
  return [
    Buffer.concat(each((draft) => draft.dedupeKey ?? NO_HASH)),
    Buffer.concat(each((draft) => draft.sha256 ?? NO_HASH)),
    bodies.length === 1 ? bodies[0] : Buffer.concat(bodies),
    each((draft) => draft.id),
    each((draft) => draft.source),
    each((draft) => draft.provider),
    each((draft) => draft.verdict),
    each((draft) => (isAccepted(draft) ? 'open' : 'done')),
    each((draft) => draft.dedupeKey !== undefined),
    each((draft) => draft.secretLabel),
    each((draft) => draft.textId),
    each((draft) => draft.sha256 !== undefined),
    each((draft) => draft.sizeBytes),
    each((draft) => draft.clientAddress),
    each((draft) => JSON.stringify(draft.headers)),
    offsets,
    each((draft) => draft.body?.length ?? -1),
    each((draft) => draft.correlationId),
    each((draft) => draft.receivedAtMs),
    each((draft) => draft.verifyUs),
    each((draft) => Math.max(0, Math.round((nowMs - draft.receivedAtMs) * 1000) - draft.verifyUs)),
    rows.map(({ copies }) => copies),
  ];
}
