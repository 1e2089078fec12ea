export const EVENTS = '/api/security-events';

export type Severity = 'info' | 'notice' | 'warning' | 'critical';

export interface SecurityEvent {
  id: string;
  type: string;
  severity: Severity;
  occurredAt: string;
  actorId: string | null;
  actorKind: string;
  targetKind: string | null;
  targetId: string | null;
  addressPrefix: string | null;
  correlationId: string | null;
  source: string | null;
  /** How many equal ones were put together in this one. */
  count: number;
  details: Record<string, unknown>;
}

/** How many events of a type there were in an hour. */
export interface EventCount {
  hour: string;
  type: string;
  count: number;
}

export interface Chain {
  /** `intact`, or what is wrong. */
  status: string;
  sealedEvents: number;
  unsealedEvents: number;
  lastSealedAt: string | null;
}
