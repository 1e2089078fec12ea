import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopback } from '#runtime/address.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { isFailure } from '#runtime/failure.ts';

const READY_LIMIT_MS = 2_000;
/** A second look within this time gets the same answer, so that probes can't wear out a store. */
const FRESH_MS = 500;

export interface HealthCheck {
  name: string;
  /** Rejects if what it looks at is away; with the failure `unready` if there is more to say. */
  check: () => Promise<void>;
  /** What the process can do its one job without only makes it `degraded`. */
  required: boolean;
}

const DOORS = /^\/(?:livez|readyz|metrics)(?:$|\?)/;

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
  now?: () => number;
}

/** Answers `/livez`, `/readyz` and `/metrics`; returns false for every other path, which it leaves alone. */
export type HealthDoor = (request: IncomingMessage, response: ServerResponse) => boolean;

interface Readiness {
  status: 'ready' | 'degraded' | 'unready';
  /** `ok`, `away`, or what is wrong. */
  checks: Record<string, string>;
}

export function openHealth({ checks, metrics, metricsToken, now = Date.now }: HealthOptions): HealthDoor {
  let latest: { atMs: number; readiness: Promise<Readiness> } | undefined;

  function readiness(): Promise<Readiness> {
    if (latest === undefined || now() - latest.atMs > FRESH_MS) latest = { atMs: now(), readiness: look(checks) };
    return latest.readiness;
  }

  async function answerReady(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const state = await readiness();
    const code = state.status === 'unready' ? 503 : 200;
    if (mayKnow(request, metricsToken)) send(response, code, 'application/json', JSON.stringify(state));
    else send(response, code);
  }

  async function answerMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (metrics === undefined) send(response, 404);
    else if (mayKnow(request, metricsToken)) send(response, 200, metrics.contentType, await metrics.metrics());
    else send(response, 403);
  }

  return (request, response) => {
    const { url = '' } = request;
    if (!DOORS.test(url)) return false;
    const [path] = url.split('?', 1);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(response, 405);
    } else if (path === '/livez') send(response, 200);
    else (path === '/readyz' ? answerReady : answerMetrics)(request, response).catch(() => send(response, 500));
    return true;
  };
}

async function look(checks: readonly HealthCheck[]): Promise<Readiness> {
  const results = await Promise.all(
    checks.map(async ({ name, check, required }) => ({ name, required, outcome: await outcomeOf(check) })),
  );
  const isUnready = results.some(({ required, outcome }) => required && outcome !== 'ok');
  const isDegraded = results.some(({ outcome }) => outcome !== 'ok');
  return {
    status: isUnready ? 'unready' : isDegraded ? 'degraded' : 'ready',
    checks: Object.fromEntries(results.map(({ name, outcome }) => [name, outcome])),
  };
}

async function outcomeOf(check: () => Promise<void>): Promise<string> {
  let outcome = 'away';
  const checked = check().then(
    () => {
      outcome = 'ok';
    },
    (error: unknown) => {
      if (isFailure(error, 'unready')) outcome = error.detail ?? outcome;
    },
  );
  await settledWithin(READY_LIMIT_MS, checked);
  return outcome;
}

function mayKnow(request: IncomingMessage, token: string | undefined): boolean {
  if (token !== undefined) return isSame(request.headers.authorization ?? '', `Bearer ${token}`);
  const { forwarded, 'x-forwarded-for': forwardedFor, via } = request.headers;
  const cameDirectly = forwarded === undefined && forwardedFor === undefined && via === undefined;
  return cameDirectly && isLoopback(request.socket.remoteAddress);
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function send(response: ServerResponse, status: number, contentType = 'text/plain; charset=utf-8', body = ''): void {
  if (response.headersSent) return;
  response
    .writeHead(status, {
      'content-type': contentType,
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    })
    .end(body);
}
