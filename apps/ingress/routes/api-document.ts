import { gzipSync } from 'node:zlib';
import { Router } from 'express';
import type { AccessLimits } from '../access-limits.ts';
import { buildDocument } from '../contract/document.ts';
import { onlyMethods } from '../methods.ts';

const MAX_AGE_SECONDS = 300;

/** The description of all that the ingress answers, in OpenAPI 3.1. It says nothing that the source does not say. */
export function apiDocumentRoutes(origin: string, { anyone }: Pick<AccessLimits, 'anyone'>): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const bytes = Buffer.from(JSON.stringify(buildDocument(origin)));
  const gzipped = gzipSync(bytes, { level: 9 });

  router
    .route('/api/openapi.json')
    .get(anyone, (request, response) => {
      const isGzip = request.acceptsEncodings('gzip') === 'gzip';
      response.set({
        'content-type': 'application/json',
        'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
        ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
      });
      response.vary('accept-encoding');
      response.end(isGzip ? gzipped : bytes);
    })
    .all(onlyMethods('GET', 'HEAD'));

  return router;
}
