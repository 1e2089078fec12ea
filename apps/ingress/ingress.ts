import express, { type Express, type RequestHandler, type Response, type Router } from 'express';
import { Failure } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';
import { setHeaders } from './headers.ts';
import { answerProblems } from './problem.ts';

export interface IngressParts {
  headers: Record<string, string>;
  /** Before every route. */
  guards?: readonly RequestHandler[];
  routers: readonly Router[];
  log: Log;
}

/** Puts the routes on one Express app. Webhooks never get here: apps/ingress/webhook-door.ts has answered them. */
export function buildIngress({ headers, guards = [], routers, log }: IngressParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.set('query parser', 'simple');
  app.response.json = answerJson;
  app.use(setHeaders(headers));
  for (const guard of guards) app.use(guard);
  for (const router of routers) app.use(router);
  app.use(() => {
    throw new Failure('route-unknown');
  });
  app.use(answerProblems(log));
  return app;
}

/**
 * Instead of Express's own, which looks up and parses the type of every answer, and asks whether a client has it already:
 * routes that have an ETag compare it themselves. RFC 8259 §11 knows no charset.
 */
function answerJson(this: Response, value: unknown): Response {
  const body = JSON.stringify(value);
  if (!this.hasHeader('content-type')) this.setHeader('content-type', 'application/json; charset=utf-8');
  this.setHeader('content-length', Buffer.byteLength(body));
  // node:http leaves the body out where the method is HEAD.
  return this.end(body);
}
