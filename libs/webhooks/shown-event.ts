import type { Json } from '#webhooks/event.ts';
import { maskId, maskJson, maskSubject } from '#webhooks/mask.ts';

/** An event as admins see it. */
export interface ShownEvent {
  id: string;
  eventKey: string;
  type: string;
  occurredAt: Date | null;
  subjects: string[];
  data: Json;
  state: string;
  attempts: number;
  replay: number;
  lastError: string | null;
  createdAt: Date;
  closedAt: Date | null;
}

/** What of a row is shown. */
export type ShownEventRow = Omit<ShownEvent, 'data' | 'occurredAt' | 'lastError' | 'closedAt'> & {
  data: unknown;
  occurredAt?: Date | null | undefined;
  lastError?: string | null | undefined;
  closedAt?: Date | null | undefined;
};

/** Personal data is masked unless it is to be revealed. */
export function shownEvent(row: ShownEventRow, { isRevealed }: { isRevealed: boolean }): ShownEvent {
  return {
    id: row.id,
    eventKey: isRevealed ? row.eventKey : maskId(row.eventKey),
    type: row.type,
    occurredAt: row.occurredAt ?? null,
    subjects: isRevealed ? row.subjects : row.subjects.map((subject) => maskSubject(subject)),
    data: isRevealed ? (row.data as Json) : maskJson(row.data as Json),
    state: row.state,
    attempts: row.attempts,
    replay: row.replay,
    lastError: row.lastError ?? null,
    createdAt: row.createdAt,
    closedAt: row.closedAt ?? null,
  };
}
