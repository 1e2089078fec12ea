import type { IncomingMessage, ServerResponse } from 'node:http';
import { Histogram, type Registry } from 'prom-client';
import type { Traffic } from './traffic.ts';

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** What Express leaves on the request and the response it has answered. */
interface Routed {
  route?: { path: unknown };
  locals?: { failure?: string };
}

export interface HttpObserverParts {
  registry: Registry;
  /** Told of each 503 with the code of its failure. */
  unavailable: (cause: string) => void;
  traffic: Traffic;
}

/** Times every request by the pattern of its route, never by its path: whatever is asked for, there are only so many. */
export function openHttpObserver({ registry, unavailable, traffic }: HttpObserverParts) {
  const seconds = new Histogram({
    name: 'portcullis_http_seconds',
    help: 'From the head of a request to the end of its answer, by route, method and class of status.',
    labelNames: ['route', 'method', 'status'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });

  function observe(request: IncomingMessage & Routed, response: ServerResponse & Routed, took: number, door?: string) {
    const { statusCode } = response;
    const route = door ?? (typeof request.route?.path === 'string' ? request.route.path : 'none');
    const method = METHODS.has(request.method ?? '') ? String(request.method) : 'other';
    seconds.observe({ route, method, status: `${Math.floor(statusCode / 100)}xx` }, took);
    traffic.answered(took, statusCode);
    if (statusCode === 503 && door === undefined) unavailable(response.locals?.failure ?? 'unknown');
  }

  /** `door`: who answers, where that is no route of Express; it counts its own 503s. */
  return (request: IncomingMessage, response: ServerResponse, startedAt: number, door?: string): void => {
    response.on('close', () => observe(request, response, (performance.now() - startedAt) / 1_000, door));
  };
}
