import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Decision, Policy } from '#limits/limiter.ts';
import type { LocalLimiter } from '#limits/local-limiter.ts';
import { addressPrefixOf } from '#runtime/address.ts';
import type { Log } from '#runtime/log.ts';
import type { BoardObserver } from './board-events.ts';

const FAILED_SIGN_INS: Policy = { name: 'board-sign-in', points: 5, windowSeconds: 60 };

export interface BasicAuthOptions {
  user: string;
  password: string;
  limiter: LocalLimiter;
  addressOf: (request: Request) => string;
  log: Log;
  observe: Pick<BoardObserver, 'refused'>;
}

/** Lets through who brings the name and the password (RFC 7617); a network with five failures in a minute gets 429. */
export function requireBasicAuth(options: BasicAuthOptions): RequestHandler {
  const { user, password, limiter, addressOf, log, observe } = options;
  const expected = digestOf(`${user}:${password}`);
  return (request, response, next) => {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      challenge(response);
      return;
    }
    const prefix = addressPrefixOf(addressOf(request));
    const before = limiter.peek(FAILED_SIGN_INS, prefix);
    if (!before.allowed) {
      observe.refused(request, 'sign-ins-exceeded');
      refuse(response, before);
      return;
    }
    // Both are hashed, so that neither content nor length shows in the time it takes.
    if (timingSafeEqual(digestOf(credentialsOf(authorization)), expected)) {
      next();
      return;
    }
    const after = limiter.consume(FAILED_SIGN_INS, prefix);
    log.warn({ prefix, remaining: after.remaining }, 'a sign-in to the board failed');
    observe.refused(request, 'password-wrong');
    if (after.allowed) challenge(response);
    else refuse(response, after);
  };
}

/** The text `name:password`; empty for another scheme. */
function credentialsOf(header: string): string {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header) ?? [];
  return encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function challenge(response: Response): void {
  response.status(401).set('www-authenticate', 'Basic realm="Portcullis board", charset="UTF-8"');
  response.type('text/plain').send('Sign in with BOARD_USER and BOARD_PASSWORD.\n');
}

function refuse(response: Response, { resetSeconds }: Decision): void {
  response.status(429).set('retry-after', String(resetSeconds));
  response.type('text/plain').send('Too many failed sign-ins. Try again later.\n');
}
