import type { Queryable } from '#database/pool.ts';
import { openMentions } from '#webhooks/erase/mentions.ts';

const BATCH_ROWS = 200;
const BATCH_BYTES = 16 * 1024 * 1024;

interface KeptRow {
  id: string;
  provider: string;
  state: string;
  headers: Record<string, string>;
  body: Buffer;
  sha256: Buffer | null;
  received_at: string;
}

export interface MentioningReceipts {
  closed: string[];
  /** Whose events are not known yet: they are for others as well, and must be processed first. */
  open: string[];
}

/** A page by (received_at, id); times as text, because a Date has no microseconds. */
const PAGE = `
  select id, provider, state, headers, body, sha256, received_at::text as received_at
  from (
    select *, sum(octet_length(body)) over (order by received_at, id) - octet_length(body) as bytes_before
    from (
      select * from webhook_log
      where (received_at, id) > ($1::timestamptz, $2::uuid) and body is not null and ($3::text is null or source = $3)
      order by received_at, id limit ${BATCH_ROWS}
    ) as page
  ) as sized
  where bytes_before < ${BATCH_BYTES} order by received_at, id`;

/** Reads every kept body: copies of an event have receipts of their own, which no event leads to. */
export async function findMentions(
  client: Queryable,
  subjects: readonly string[],
  source: string | undefined,
): Promise<MentioningReceipts> {
  const mentions = openMentions(subjects);
  const found: MentioningReceipts = { closed: [], open: [] };
  let last = { received_at: '-infinity', id: '00000000-0000-0000-0000-000000000000' };
  for (;;) {
    const { rows } = await client.query<KeptRow>({
      name: 'receipts-bodies',
      text: PAGE,
      values: [last.received_at, last.id, source],
    });
    for (const { id, provider, state, headers, body, sha256 } of rows) {
      const receipt = { body, headers, sha256: sha256 ?? Buffer.alloc(32) };
      if (mentions(provider, receipt)) found[state === 'open' ? 'open' : 'closed'].push(id);
    }
    const end = rows.at(-1);
    if (end === undefined) return found;
    last = end;
  }
}
