import { createHash } from 'node:crypto';
import { Router } from 'express';
import type { SigningKeys } from '#access/signing-keys.ts';
import type { AccessLimits } from '../access-limits.ts';
import { onlyMethods } from '../methods.ts';

/** Much less than the time between the publication of a key and its first signature. */
const MAX_AGE_SECONDS = 300;

/** The public keys that verify access tokens (RFC 7517), for services that check them themselves. */
export function jwksRoutes(
  { signingKeys }: { signingKeys: SigningKeys },
  { anyone }: Pick<AccessLimits, 'anyone'>,
): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router
    .route('/.well-known/jwks.json')
    .get(anyone, async (request, response) => {
      const body = JSON.stringify({ keys: await signingKeys.published() });
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      response.set({ 'cache-control': `public, max-age=${MAX_AGE_SECONDS}`, etag });
      if (request.headers['if-none-match'] === etag) {
        response.status(304).end();
        return;
      }
      response.type('application/jwk-set+json').end(body);
    })
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}
