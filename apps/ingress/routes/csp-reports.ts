import { Router, type RequestHandler } from 'express';
import { addressPrefixOf } from '#runtime/address.ts';
import { Failure } from '#runtime/failure.ts';
import type { ClientAddressOf } from '../client.ts';
import { readCspReports, type CspViolation } from '../csp-report.ts';
import { onlyMethods } from '../methods.ts';
import { readText } from '../request.ts';

export const CSP_REPORTS_PATH = '/api/csp-reports';

const MAX_BODY_BYTES = 16 * 1024;
const BODY_LIMIT_MS = 5_000;
/** The forms of report-uri and of report-to. */
export const CSP_REPORT_TYPES = ['application/csp-report', 'application/reports+json'];

export interface CspReportParts {
  limit: RequestHandler;
  clientAddressOf: ClientAddressOf;
  /** Equal violations of one network and minute become one event. */
  onViolation: (violation: CspViolation, addressPrefix: string) => void;
}

/** Where browsers say what the content security policy of our pages has stopped. Nothing of a report is ever shown again. */
export function cspReportRoutes({ limit, clientAddressOf, onViolation }: CspReportParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router
    .route(CSP_REPORTS_PATH)
    .post(limit, readText(CSP_REPORT_TYPES, MAX_BODY_BYTES, BODY_LIMIT_MS), (request, response) => {
      const violations = readCspReports(request.body);
      if (violations === undefined) throw new Failure('body-invalid');
      const addressPrefix = addressPrefixOf(clientAddressOf(request));
      for (const violation of violations) onViolation(violation, addressPrefix);
      response.status(204).end();
    })
    .all(onlyMethods('POST'));
  return router;
}
