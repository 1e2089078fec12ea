import { STATUS_CODES } from 'node:http';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { JobQueue } from '#queue/queue-connection.ts';
import type { HealthDoor } from '#runtime/health.ts';
import type { Log } from '#runtime/log.ts';
import type { BoardObserver } from './board-events.ts';
import { boardHeaders } from './headers.ts';
import { LocalPageAdapter, uiBasePath } from './page.ts';

export interface BoardOptions {
  answerHealth: HealthDoor;
  authenticate: RequestHandler;
  /** Every queue, or a rejection while their store is away. */
  queues: () => Promise<readonly JobQueue[]>;
  /** Rejects while the store is away. */
  ping: () => Promise<void>;
  isReadOnly: boolean;
  /** Whether a request came over TLS. */
  isSecure: (request: Request) => boolean;
  observe: BoardObserver;
  log: Log;
}

export function createBoard({
  answerHealth,
  authenticate,
  queues,
  ping,
  isReadOnly,
  isSecure,
  observe,
  log,
}: BoardOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((request, response, next) => {
    if (!answerHealth(request, response)) next();
  });
  const guard = isReadOnly ? refuseWrites(observe) : guardWrites(log, observe);
  app.use(boardHeaders({ isReadOnly, isSecure }), authenticate, guard);

  app.use('/api', refuseWhileAway(ping));
  app.use(showPages(queues, isReadOnly));
  app.use(answerError(log));
  return app;
}

/** Express would show the stack. */
function answerError(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const status = statusOf(error);
    if (status >= 500) log.error({ err: error }, 'a bug in the board');
    response.status(status).type('text/plain').send(`${STATUS_CODES[status]}\n`);
  };
}

/** Express marks what is the client's fault, such as a malformed path, with a status. */
function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  return status in STATUS_CODES && status >= 400 ? status : 500;
}

function refuseWhileAway(ping: () => Promise<void>): RequestHandler {
  return async (_request, response, next) => {
    try {
      await ping();
    } catch {
      sayAway(response);
      return;
    }
    next();
  };
}

function sayAway(response: Response): void {
  response.status(503).set('retry-after', '2').type('text/plain').send('The queue is away. Try again shortly.\n');
}

/** The pages are made when the store is first there: on PostgreSQL a queue that was opened before that never works. */
function showPages(queues: BoardOptions['queues'], isReadOnly: boolean): RequestHandler {
  let pages: Promise<RequestHandler> | undefined;
  return async (request, response, next) => {
    pages ??= queues().then((opened) => pagesOf(opened, isReadOnly));
    let show: RequestHandler;
    try {
      show = await pages;
    } catch {
      pages = undefined;
      sayAway(response);
      return;
    }
    await show(request, response, next);
  };
}

function pagesOf(queues: readonly JobQueue[], isReadOnly: boolean): RequestHandler {
  const serverAdapter = new LocalPageAdapter();
  serverAdapter.setBasePath('/');
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue as never, { readOnlyMode: isReadOnly })),
    serverAdapter,
    options: {
      uiBasePath,
      uiConfig: { boardTitle: 'Portcullis', hideRedisDetails: false },
    },
  });
  return serverAdapter.getRouter() as RequestHandler;
}

/** What is noted where there was nobody left to answer: nginx's code for it. */
const HUNG_UP = 499;

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';

function refuseWrites(observe: BoardObserver): RequestHandler {
  return (request, response, next) => {
    if (isRead(request)) {
      next();
      return;
    }
    observe.refused(request, 'read-only');
    response.status(403).json({ error: 'This board is read-only; BOARD_READ_ONLY=no changes that.' });
  };
}

/** A browser sends the password along with what another site makes it send. */
function guardWrites(log: Log, observe: BoardObserver): RequestHandler {
  return (request, response, next) => {
    if (isRead(request)) {
      next();
      return;
    }
    if (!isFromOwnPage(request)) {
      observe.refused(request, 'site-foreign');
      response.status(403).json({ error: 'This request came from another site.' });
      return;
    }
    // Not `finish`: who hangs up has acted all the same.
    response.once('close', () => {
      const status = response.writableFinished ? response.statusCode : HUNG_UP;
      log.warn({ method: request.method, path: request.originalUrl, status }, 'an act on the board');
      observe.acted(request, status);
    });
    next();
  };
}

/** Browsers set `sec-fetch-site` or at least `origin` on every write; other clients set neither. */
function isFromOwnPage({ headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  if (headers.origin === undefined) return true;
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}
