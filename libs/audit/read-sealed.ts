import type { Queryable } from '#database/pool.ts';
import { unpackLeaves } from '#audit/seal.ts';

/** A security event as it leaves this system: times in microseconds, so that its hash can be made again. */
export interface ExportedEvent {
  id: string;
  type: string;
  severity: string;
  occurredAt: string;
  recordedAt: string;
  actorId: string | null;
  actorKind: string;
  targetKind: string | null;
  targetId: string | null;
  addressPrefix: string | null;
  requestId: string | null;
  source: string | null;
  count: number;
  details: Record<string, string | number | boolean | null>;
}

/** One place in the chain. */
export interface SealedEvent {
  /** From 1, without gaps. */
  position: number;
  seal: number;
  id: string;
  /** What the seal remembers of it, in hex. */
  hash: string;
  /** Undefined where the row is gone: its month was dropped, or somebody removed it. */
  event: ExportedEvent | undefined;
}

const SEALS = `
  select number, first_position as "firstPosition", leaves
  from audit_seal
  where number >= coalesce((select number from audit_seal where first_position <= $1 order by first_position desc limit 1), 1)
  order by number
  limit 2`;

const time = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const EVENTS = `
  select id, type, severity, ${time('occurred_at')} as "occurredAt", ${time('recorded_at')} as "recordedAt",
    actor_id as "actorId", actor_kind as "actorKind", target_kind as "targetKind", target_id as "targetId",
    address_prefix as "addressPrefix", correlation_id as "requestId", source, count, details
  from security_event where id = any($1::uuid[])`;

/** Sealed events after a position, in the order of the chain: fewer than `limit` only where the chain ends or a page does. */
export async function readSealed(client: Queryable, after: number, limit: number): Promise<SealedEvent[]> {
  const { rows: seals } = await client.query<{ number: number; firstPosition: number; leaves: Buffer }>({
    name: 'audit-seals-from',
    text: SEALS,
    values: [after + 1],
  });
  const places = seals
    .flatMap(({ number, firstPosition, leaves }) =>
      unpackLeaves(leaves).map(({ id, hash }, index) => ({
        position: firstPosition + index,
        seal: number,
        id,
        hash: hash.toString('hex'),
      })),
    )
    .filter(({ position }) => position > after)
    .slice(0, limit);
  if (places.length === 0) return [];
  const { rows } = await client.query<ExportedEvent>({
    name: 'audit-events-by-id',
    text: EVENTS,
    values: [places.map(({ id }) => id)],
  });
  const byId = new Map(rows.map((event) => [event.id, event]));
  return places.map((place) => ({ ...place, event: byId.get(place.id) }));
}
