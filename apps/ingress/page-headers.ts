import { randomBytes } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { CSP_REPORTS_PATH } from './routes/csp-reports.ts';

const NONCE_BYTES = 18;
const REPORT_GROUP = 'csp';
const YEAR_SECONDS = 31_536_000;

export interface PageHeaderOptions {
  /** The origin that pages may also connect to. */
  clientUrl: string;
  /** Whether pages are served over TLS. */
  secure: boolean;
  preload: boolean;
}

/**
 * Headers of a web page for people. Every answer has a nonce of its own, which `nonceOf` tells to whoever writes the page;
 * for that reason a page is never stored and never answered 304.
 */
export function pageHeaders({ clientUrl, secure, preload }: PageHeaderOptions): RequestHandler {
  const setHelmet = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'self'", (_request, response) => `'nonce-${nonceOf(response as Response)}'`],
        'style-src': ["'self'", (_request, response) => `'nonce-${nonceOf(response as Response)}'`],
        'img-src': ["'self'", 'data:', 'https:'],
        'connect-src': ["'self'", new URL(clientUrl).origin],
        'frame-src': ["'none'"],
        'object-src': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
        'report-uri': [CSP_REPORTS_PATH],
        'report-to': [REPORT_GROUP],
        ...(secure ? { 'upgrade-insecure-requests': [] } : {}),
      },
    },
    crossOriginEmbedderPolicy: false,
    frameguard: { action: 'deny' },
    hsts: secure ? { maxAge: YEAR_SECONDS, includeSubDomains: true, preload } : false,
    referrerPolicy: { policy: 'no-referrer' },
  });
  return (request, response, next) => {
    response.locals['nonce'] = randomBytes(NONCE_BYTES).toString('base64');
    delete request.headers['if-none-match'];
    delete request.headers['if-modified-since'];
    response.set({
      'cache-control': 'no-store',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      'reporting-endpoints': `${REPORT_GROUP}="${CSP_REPORTS_PATH}"`,
    });
    setHelmet(request, response, next);
  };
}

/** What `<script nonce>` and `<style nonce>` of this answer must carry. */
export function nonceOf(response: Response): string {
  const nonce: unknown = response.locals['nonce'];
  if (typeof nonce !== 'string') throw new TypeError('a page needs pageHeaders() before it');
  return nonce;
}
