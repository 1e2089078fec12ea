import type { RequestHandler } from 'express';

const METHODS = 'GET, HEAD, POST, PATCH, PUT, DELETE';
/** How long browsers may remember the answer to a preflight; Chromium keeps none for longer than two hours. */
const MAX_AGE_SECONDS = 7_200;
const REQUEST_HEADERS =
  'authorization, content-type, idempotency-key, if-match, if-none-match, if-range, prefer, range, repr-digest, x-csrf-token, x-request-id';
const RESPONSE_HEADERS =
  'content-disposition, content-range, etag, location, ratelimit, ratelimit-policy, retry-after, x-request-id';

/** Lets pages of one other origin, compared whole, use the API with their cookies; nobody else's. */
export function allowOrigin(allowed: string): RequestHandler {
  return (request, response, next) => {
    // The first to say what an answer depends on; whoever comes later adds to it.
    response.setHeader('vary', 'origin');
    const { origin } = request.headers;
    if (origin !== allowed) {
      next();
      return;
    }
    response.set({
      'access-control-allow-origin': allowed,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': RESPONSE_HEADERS,
    });
    const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    if (!isPreflight) {
      next();
      return;
    }
    response.set({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': String(MAX_AGE_SECONDS),
    });
    response.vary('access-control-request-method').vary('access-control-request-headers').status(204).end();
  };
}
