import type { Queryable } from '#database/pool.ts';
import { correlationId } from '#runtime/correlation.ts';
import { newId } from '#runtime/id.ts';
import { eventTypes, type SecurityEventType } from '#audit/event-types.ts';

/** One act or refusal to be recorded. Holds no secret and no full address. */
export interface SecurityEvent {
  /** A second event with the same id is the same event, and changes nothing; a new id by default. */
  id?: string;
  type: SecurityEventType;
  /** Who did it: a user's id, or undefined for the outside world and for the system itself. */
  actorId?: string;
  actorKind: 'anonymous' | 'user' | 'token' | 'source' | 'system';
  targetKind?: string;
  targetId?: string;
  /** /32 for IPv4, /56 for IPv6. */
  addressPrefix?: string;
  source?: string;
  /** How many equal acts this row stands for. */
  count?: number;
  /** When it happened; the time of recording by default. */
  occurredAt?: Date;
  details?: Record<string, string | number | boolean | null>;
}

/** What domains are given so that an act and its event commit together. */
export type RecordEvents = (client: Queryable, events: readonly SecurityEvent[]) => Promise<void>;

const INSERT = `
  insert into security_event (id, type, severity, occurred_at, actor_id, actor_kind, target_kind, target_id,
    address_prefix, correlation_id, source, count, details)
  select id, type, severity, coalesce(occurred_at, clock_timestamp()), actor_id, actor_kind, target_kind, target_id,
    address_prefix, correlation_id, source, count, details
  from jsonb_to_recordset($1::jsonb) as event (id uuid, type text, severity text, occurred_at timestamptz, actor_id uuid,
    actor_kind text, target_kind text, target_id text, address_prefix text, correlation_id text, source text, count int,
    details jsonb)
  on conflict (id) do nothing`;

/** Writes security events on the caller's client, inside the caller's transaction where there is one. */
export const record: RecordEvents = async (client, events) => {
  if (events.length === 0) return;
  await client.query({ name: 'security-event-insert', text: INSERT, values: [JSON.stringify(events.map(rowOf))] });
};

function rowOf(event: SecurityEvent): Record<string, unknown> {
  return {
    id: event.id ?? newId(),
    type: event.type,
    severity: eventTypes[event.type],
    occurred_at: event.occurredAt,
    actor_id: event.actorId,
    actor_kind: event.actorKind,
    target_kind: event.targetKind,
    target_id: event.targetId,
    address_prefix: event.addressPrefix,
    correlation_id: correlationId(),
    source: event.source,
    count: event.count ?? 1,
    details: event.details ?? {},
  };
}
