import { Router } from 'express';
import { listEvents } from '#audit/list-events.ts';
import { showChain } from '#audit/show-chain.ts';
import { summariseEvents } from '#audit/summarise-events.ts';
import type { EntityManager } from '#database/orm.ts';
import type { Pool } from '#database/pool.ts';
import type { RequireCaller } from '../authenticate.ts';
import { chainQuery, eventQuery, summaryQuery } from '../event-fields.ts';
import { onlyMethods } from '../methods.ts';
import { queryOf } from '../request.ts';

export interface SecurityEventParts {
  /** Forked for each request. */
  em: EntityManager;
  pool: Pool;
  requireCaller: RequireCaller;
}

/** Admins look into the audit trail. Nothing can be changed here. */
export function securityEventRoutes({ em, pool, requireCaller }: SecurityEventParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const mayRead = requireCaller({ roles: ['admin'], scope: 'security-events:read' });

  router
    .route('/api/security-events')
    .get(mayRead, async (request, response) => {
      const { limit, cursor, ...filter } = queryOf(eventQuery, request);
      response.json(await listEvents(em.fork(), filter, { limit, cursor }));
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/api/security-events/summary')
    .get(mayRead, async (request, response) => {
      const { from, to } = queryOf(summaryQuery, request);
      response.json({ from, to, items: await summariseEvents(pool, from, to) });
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/api/security-events/chain')
    .get(mayRead, async (request, response) => {
      response.json(await showChain(pool, queryOf(chainQuery, request)));
    })
    .all(onlyMethods('GET', 'HEAD'));

  return router;
}
