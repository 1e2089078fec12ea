import { raw, type FilterQuery, type InferEntity } from '@mikro-orm/core';
import { databaseFailure } from '#database/pool.ts';
import type { EntityManager } from '#database/orm.ts';
import { EventContextEntity } from '#audit/event-context.ts';
import { SecurityEventEntity } from '#audit/security-event.ts';

type Row = InferEntity<typeof SecurityEventEntity>;

export interface EventFilter {
  type?: string | undefined;
  severity?: string | undefined;
  actorId?: string | undefined;
  actorKind?: string | undefined;
  targetKind?: string | undefined;
  targetId?: string | undefined;
  source?: string | undefined;
  addressPrefix?: string | undefined;
  requestId?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

/** A security event as lists show it. Times are Dates. */
export interface ListedEvent {
  id: string;
  type: string;
  severity: string;
  occurredAt: Date;
  recordedAt: Date;
  actorId: string | null;
  actorKind: string;
  targetKind: string | null;
  targetId: string | null;
  addressPrefix: string | null;
  /** The wider network of the address, once it was found out. */
  network: string | null;
  device: string | null;
  requestId: string | null;
  source: string | null;
  count: number;
  details: unknown;
}

export interface EventPage {
  items: ListedEvent[];
  /** Where the next page begins; undefined on the last. */
  nextCursor: string | undefined;
}

/** Times are finer than a Date, so the cursor is an event and the database compares. */
const AFTER = '(occurred_at, id) < (select o.occurred_at, o.id from security_event o where o.id = ?)';

/** Newest first. @throws Failure `database-unavailable`. */
export async function listEvents(
  em: EntityManager,
  filter: EventFilter,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<EventPage> {
  try {
    const conditions = conditionsOf(filter);
    if (cursor !== undefined) conditions.push({ [raw(AFTER, [cursor])]: [] });
    const rows = await em.find(SecurityEventEntity, conditions.length === 0 ? {} : { $and: conditions }, {
      orderBy: { occurredAt: 'desc', id: 'desc' },
      limit: limit + 1,
      disableIdentityMap: true,
    });
    const shown = rows.slice(0, limit);
    const contexts = await em.find(
      EventContextEntity,
      { eventId: shown.map(({ id }) => id) },
      { disableIdentityMap: true },
    );
    const contextOf = new Map(contexts.map((context) => [context.eventId, context]));
    return {
      items: shown.map((row) => ({
        ...viewOf(row),
        network: contextOf.get(row.id)?.network ?? null,
        device: contextOf.get(row.id)?.device ?? null,
      })),
      nextCursor: rows.length > limit ? shown.at(-1)?.id : undefined,
    };
  } catch (error) {
    throw databaseFailure(error);
  }
}

function conditionsOf({ requestId, from, to, ...equal }: EventFilter): FilterQuery<Row>[] {
  const conditions: FilterQuery<Row>[] = Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ [name]: value }));
  if (requestId !== undefined) conditions.push({ correlationId: requestId });
  if (from !== undefined) conditions.push({ occurredAt: { $gte: from } });
  if (to !== undefined) conditions.push({ occurredAt: { $lt: to } });
  return conditions;
}

function viewOf(row: Row): Omit<ListedEvent, 'network' | 'device'> {
  return {
    id: row.id,
    type: row.type,
    severity: row.severity,
    occurredAt: row.occurredAt,
    recordedAt: row.recordedAt,
    actorId: row.actorId ?? null,
    actorKind: row.actorKind,
    targetKind: row.targetKind ?? null,
    targetId: row.targetId ?? null,
    addressPrefix: row.addressPrefix ?? null,
    requestId: row.correlationId ?? null,
    source: row.source ?? null,
    count: row.count,
    details: row.details,
  };
}
