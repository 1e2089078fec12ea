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
  network: string | null;
  device: string | null;
  requestId: string | null;
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

export interface Trail {
  /** How many events are under a seal, and how many are not yet. */
  sealed: number;
  unsealed: number;
  oldestUnsealedSeconds: number;
  head?: { number: number; hash: string; sealedAt: string };
}

export interface Chain extends Trail {
  /** What the last walks along the chain found. */
  verifications: {
    name: 'recent' | 'whole';
    checkedAt: string;
    events: number;
    fault: { kind: string; seal: number; position?: number } | null;
  }[];
}
