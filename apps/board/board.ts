import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import express, { type Express, type Request, type RequestHandler } from 'express';
import type { JobQueue } from '#queue/queue-connection.ts';
import type { HealthDoor } from '#runtime/health.ts';
import type { Log } from '#runtime/log.ts';
import { boardHeaders } from './headers.ts';
import { LocalPageAdapter, uiBasePath } from './page.ts';

export interface BoardOptions {
  answerHealth: HealthDoor;
  authenticate: RequestHandler;
  /** Every queue, or a rejection while their store is away. */
  queues: () => Promise<readonly JobQueue[]>;
  isReadOnly: boolean;
  log: Log;
}

export function createBoard({ answerHealth, authenticate, queues, isReadOnly, log }: BoardOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((request, response, next) => {
    if (!answerHealth(request, response)) next();
  });
  app.use(boardHeaders({ isReadOnly }), authenticate, isReadOnly ? refuseWrites : guardWrites(log));

  app.use(showPages(queues, isReadOnly));
  return app;
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
      response.status(503).set('retry-after', '2').type('text/plain').send('The queue is away. Try again shortly.\n');
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

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';

const refuseWrites: RequestHandler = (request, response, next) => {
  if (isRead(request)) next();
  else response.status(403).json({ error: 'This board is read-only; BOARD_READ_ONLY=no changes that.' });
};

/** A browser sends the password along with what another site makes it send. */
function guardWrites(log: Log): RequestHandler {
  return (request, response, next) => {
    if (isRead(request)) {
      next();
      return;
    }
    if (!isFromOwnPage(request)) {
      response.status(403).json({ error: 'This request came from another site.' });
      return;
    }
    response.once('finish', () => {
      log.warn(
        { method: request.method, path: request.originalUrl, status: response.statusCode },
        'an act on the board',
      );
    });
    next();
  };
}

/** Browsers set `sec-fetch-site` or at least `origin` on every write; other clients set neither. */
function isFromOwnPage({ headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return headers.origin === undefined || new URL(headers.origin).host === headers.host;
}
