import type { Request, RequestHandler } from 'express';

const YEAR_SECONDS = 31_536_000;

/** The two style elements that Bull Board 9.10.1 makes: the colours of a logo, and a hidden scroll bar. */
const OWN_STYLES =
  "'self' 'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU=' 'sha256-kLmvWqfziFavKtqHqRsb90f006UAK2Dmd0It5Iz2KFA='";
/** The editor of job data makes its styles as it goes; only a board that may write has it. */
const ANY_STYLES = "'self' 'unsafe-inline'";

/** `isSecure`: whether a trusted proxy says that the request came to it over TLS. */
export function boardHeaders({
  isReadOnly,
  isSecure,
}: {
  isReadOnly: boolean;
  isSecure: (request: Request) => boolean;
}): RequestHandler {
  const contentSecurityPolicy = [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    `style-src ${isReadOnly ? OWN_STYLES : ANY_STYLES}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (request, response, next) => {
    response.set({
      'content-security-policy': contentSecurityPolicy,
      'cache-control': request.path.startsWith('/static/') ? 'private, max-age=86400' : 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    if (isSecure(request)) response.set('strict-transport-security', `max-age=${YEAR_SECONDS}; includeSubDomains`);
    next();
  };
}
