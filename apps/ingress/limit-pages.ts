import { Router } from 'express';
import type { DynamicPolicy } from '#limits/dynamic-limiter.ts';
import { dynamicRateLimiter } from './limit.ts';
import type { Limits } from './open-limits.ts';

/** A page and what it loads, for one network and minute: enough for an office behind one address. */
const PAGES: DynamicPolicy = { name: 'pages', points: 2_000, windowSeconds: 60 };

/** Behind the routes of the API and before the pages: also what nothing answers is charged here, whatever its path. */
export function limitPages(limits: Pick<Limits, 'charge'>): Router {
  return Router().use(dynamicRateLimiter(limits.charge, { policy: PAGES, cost: 1 }));
}
