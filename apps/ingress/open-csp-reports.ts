import type { Router } from 'express';
import type { Coalescer } from '#audit/coalesce.ts';
import type { DynamicPolicy } from '#limits/dynamic-limiter.ts';
import type { ClientAddressOf } from './client.ts';
import { dynamicRateLimiter } from './limit.ts';
import type { Limits } from './open-limits.ts';
import { cspReportRoutes } from './routes/csp-reports.ts';

/** Reports of one network: a page that breaks its policy sends a handful. */
const REPORTS: DynamicPolicy = { name: 'csp-reports', points: 60, windowSeconds: 60 };

export interface CspReportsParts {
  limits: Pick<Limits, 'charge'>;
  clientAddressOf: ClientAddressOf;
  coalescer: Pick<Coalescer, 'add'>;
}

/** Violations become security events, equal ones of a minute one. */
export function openCspReports({ limits, clientAddressOf, coalescer }: CspReportsParts): Router {
  return cspReportRoutes({
    clientAddressOf,
    limit: dynamicRateLimiter(limits.charge, { policy: REPORTS, cost: 1 }),
    onViolation: (violation, addressPrefix) =>
      coalescer.add({ type: 'csp.reported', actorKind: 'anonymous', addressPrefix, details: { ...violation } }),
  });
}
