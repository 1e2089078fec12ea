import { Router } from 'express';
import { z } from 'zod';
import type { RequireCaller } from '../authenticate.ts';
import { onlyMethods } from '../methods.ts';
import type { Overview } from '../overview.ts';
import { queryOf } from '../request.ts';

export const overviewQuery = z.strictObject({});

export interface OverviewParts {
  overview: () => Promise<Overview>;
  requireCaller: RequireCaller;
}

/** Admins see how everything is. */
export function overviewRoutes({ overview, requireCaller }: OverviewParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router
    .route('/api/overview')
    .get(requireCaller({ roles: ['admin'], scope: 'overview:read' }), async (request, response) => {
      queryOf(overviewQuery, request);
      response.json(await overview());
    })
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}
