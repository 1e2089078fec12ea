import { binaryArray, bytea, int4, jsonb, text, timestamptz, uuid, type ElementType } from '#database/binary-array.ts';
import type { Queryable } from '#database/pool.ts';
import { FIRST_CHECK_SECONDS, isAccepted, type ReceiptDraft, type StoredReceipt } from '#webhooks/receipt.ts';

const MAX_INTEGER = 2_147_483_647;

/**
 * The order in which several receipts are locked, whoever does it: that in which a batch with copies of them meets them. In any
 * other order the two could wait for each other.
 */
export const LOCK_ORDER = 'source collate "C", dedupe_key, id';

/*
 * A copy raises the counters of the first row; a batch that is written again after a lost answer meets its own rows and
 * counts nothing. Only rows that were there before are answered. The arrays are unnested in the list of the select, row by
 * row: in `from unnest(…, …)` each would be written to a store of its own first.
 */
const INSERT = `
  with written as (
    insert into webhook_log (id, source, provider, verdict, state, dedupe_key, secret_label, text_id, sha256, size_bytes,
      client_address, headers, body, correlation_id, received_at, verify_us, batch_wait_us, duplicates, traceparent,
      next_check_at, closed_at)
    select draft.*,
      case when state = 'open' then now() + interval '${FIRST_CHECK_SECONDS} seconds' end,
      case when state = 'done' then now() end
    from (
      select unnest($1::uuid[]) as id, unnest($2::text[]) as source, unnest($3::text[]) as provider,
        unnest($4::text[]) as verdict, unnest($5::text[]) as state, unnest($6::bytea[]) as dedupe_key,
        unnest($7::text[]) as secret_label, unnest($8::text[]) as text_id, unnest($9::bytea[]) as sha256,
        unnest($10::int[]) as size_bytes, unnest($11::text[]) as client_address, unnest($12::jsonb[]) as headers,
        unnest($13::bytea[]) as body, unnest($14::text[]) as correlation_id, unnest($15::timestamptz[]) as received_at,
        unnest($16::int[]) as verify_us, unnest($17::int[]) as batch_wait_us, unnest($18::int[]) as duplicates,
        unnest($19::text[]) as traceparent
    ) as draft
    on conflict (source, dedupe_key) where dedupe_key is not null do update set
      duplicates = webhook_log.duplicates + excluded.duplicates
        + case when webhook_log.id = excluded.id then 0 else 1 end,
      last_duplicate_at = case when webhook_log.id = excluded.id then webhook_log.last_duplicate_at else now() end
    returning id, source, dedupe_key
  )
  select id, source, dedupe_key from written where id <> all ($1::uuid[])`;

/** Drafts of one batch with the same key: one row. */
interface Group {
  first: ReceiptDraft;
  key: string;
  copies: number;
  /** The row's id: of the first draft, unless the row was there before. */
  id: string;
}

/**
 * Writes a batch of receipts in one statement and says, in the drafts' order, which row each one has.
 * Keys are sorted as in LOCK_ORDER, because two batches that hold the same keys in different orders would deadlock.
 */
export async function insertReceipts(
  client: Queryable,
  drafts: readonly ReceiptDraft[],
  nowMs: number,
): Promise<StoredReceipt[]> {
  const groups = new Map<string, Group>();
  const groupOf = drafts.map((draft) => addTo(groups, draft));
  const sorted = [...groups.values()].toSorted((a, b) => compare(a.key, b.key));
  const { rows } = await client.query<{ id: string; source: string; dedupe_key: Buffer }>({
    name: 'receipts-insert',
    text: INSERT,
    values: valuesOf(sorted, nowMs),
  });
  for (const { id, source, dedupe_key: key } of rows) {
    const group = groups.get(keyOf(source, key));
    if (group !== undefined) group.id = id;
  }
  return groupOf.map(({ id }, index) => ({ id, isCopy: id !== drafts[index]?.id }));
}

function addTo(groups: Map<string, Group>, draft: ReceiptDraft): Group {
  const key = draft.dedupeKey === undefined ? draft.id : keyOf(draft.source, draft.dedupeKey);
  const known = groups.get(key);
  if (known !== undefined) {
    known.copies += 1;
    return known;
  }
  const group = { first: draft, key, copies: 0, id: draft.id };
  groups.set(key, group);
  return group;
}

const keyOf = (source: string, dedupeKey: Buffer): string => `${source} ${dedupeKey.toString('latin1')}`;

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** From a spool a receipt may come after more microseconds than the column holds. */
function waitUs({ receivedAtMs, verifyUs }: ReceiptDraft, nowMs: number): number {
  return Math.min(MAX_INTEGER, Math.max(0, Math.round((nowMs - receivedAtMs) * 1_000) - verifyUs));
}

function valuesOf(groups: readonly Group[], nowMs: number): Buffer[] {
  const column = <T>(type: ElementType<T>, pick: (draft: ReceiptDraft) => T | undefined): Buffer =>
    binaryArray(
      type,
      groups.map(({ first }) => pick(first)),
    );
  return [
    column(uuid, (draft) => draft.id),
    column(text, (draft) => draft.source),
    column(text, (draft) => draft.provider),
    column(text, (draft) => draft.verdict),
    column(text, (draft) => (isAccepted(draft) ? 'open' : 'done')),
    column(bytea, (draft) => draft.dedupeKey),
    column(text, (draft) => draft.secretLabel),
    column(text, (draft) => draft.textId),
    column(bytea, (draft) => draft.sha256),
    column(int4, (draft) => draft.sizeBytes),
    column(text, (draft) => draft.clientAddress),
    column(jsonb, (draft) => JSON.stringify(draft.headers)),
    column(bytea, (draft) => draft.body),
    column(text, (draft) => draft.correlationId),
    column(timestamptz, (draft) => draft.receivedAtMs),
    column(int4, (draft) => draft.verifyUs),
    column(int4, (draft) => waitUs(draft, nowMs)),
    binaryArray(
      int4,
      groups.map(({ copies }) => copies),
    ),
    column(text, (draft) => draft.traceparent),
  ];
}
