import type { RequestHandler } from 'express';
import { correlate, requestIdOf } from '#runtime/correlation.ts';

const YEAR_SECONDS = 31_536_000;

/** Headers of every answer of the API, which is never a page. HSTS only where the public address is TLS. */
export function apiHeaders({
  secure,
  preload = false,
}: {
  secure: boolean;
  preload?: boolean;
}): Record<string, string> {
  return {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': 'DENY',
    ...(secure
      ? { 'strict-transport-security': `max-age=${YEAR_SECONDS}; includeSubDomains${preload ? '; preload' : ''}` }
      : {}),
  };
}

/** Gives every request its id and every answer the headers of the API. */
export function setHeaders(headers: Record<string, string>): RequestHandler {
  const fields = Object.entries(headers);
  return (request, response, next) => {
    const requestId = requestIdOf(request.headers['x-request-id']);
    // Express's own `set` looks for a charset in each.
    for (const [name, value] of fields) response.setHeader(name, value);
    response.setHeader('x-request-id', requestId);
    correlate(requestId, next);
  };
}
