import type { Trail } from '../security-events/shapes.ts';

export interface Backlog {
  open: number;
  oldestSeconds: number;
  dead: number;
}

/** In seconds. */
export interface Latency {
  p50: number;
  p99: number;
}

export interface QueueDepth {
  name: string;
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  oldestWaitingSeconds: number | null;
}

export interface RunningProcess {
  id: string;
  process: string;
  host: string;
  pid: number;
  startedAt: string;
  beatAt: string;
  isAlive: boolean;
  details: { eventLoopLagSeconds: number; residentBytes: number; clockSkewSeconds: number };
}

export interface Overview {
  at: string;
  /** A second, over all ingress processes. */
  rates: { accepted: number; duplicate: number; refused: number; requests: number; unavailable: number };
  latencies: { ack: Latency | null; http: Latency | null };
  receipts: Backlog;
  events: Backlog;
  quarantine: { bytes: number; oldestSeconds: number };
  sessions: number;
  queues: QueueDepth[] | null;
  scanner: { isReady: boolean; why: string | null; sinceSeconds: number; signatures: string | null } | null;
  processes: RunningProcess[];
  audit: Trail & { intact: boolean | null };
  alerts: { rule: string; subject: string; severity: string; raisedAt: string; details: Record<string, unknown> }[];
  sweeps: { name: string; begunAt: string; succeededAt: string | null; swept: number; lastError: string | null }[];
}
