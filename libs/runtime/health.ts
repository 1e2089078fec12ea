import type { IncomingMessage, ServerResponse } from 'node:http';

export interface HealthCheck {
  name: string;
  /** Rejects if what it looks at is away. */
  check: () => Promise<void>;
  /** What the process can do its one job without only makes it `degraded`. */
  required: boolean;
}

/** A prom-client registry is one. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface HealthOptions {
  checks: readonly HealthCheck[];
  metrics?: MetricsSource;
  /** Who brings it sees reasons and metrics; without one, only callers on this machine that came through no proxy do. */
  metricsToken?: string | undefined;
}

/** Answers `/livez`, `/readyz` and `/metrics`; returns false for every other path, which it leaves alone. */
export type HealthDoor = (request: IncomingMessage, response: ServerResponse) => boolean;

export declare function openHealth(options: HealthOptions): HealthDoor;
