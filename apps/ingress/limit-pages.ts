import { Router } from 'express';
import type { DynamicPolicy } from '#limits/dynamic-limiter.ts';
import type { ClientAddressOf } from './client.ts';
import { dynamicRateLimiter } from './limit.ts';
import type { Limits } from './open-limits.ts';

/** A page and what it loads, for one network and minute: enough for an office behind one address. */
const PAGES: DynamicPolicy = { name: 'pages', points: 2_000, windowSeconds: 60 };

/** Behind the routes of the API and before the pages: also what nothing answers is charged here, whatever its path. */
export function limitPages(parts: { limits: Pick<Limits, 'charge'>; clientAddressOf: ClientAddressOf }): Router {
  const { limits, clientAddressOf } = parts;
  return Router().use(dynamicRateLimiter({ charge: limits.charge, clientAddressOf }, { policy: PAGES, cost: 1 }));
}
