import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { Webhook } from 'standardwebhooks';
import type { Page } from './build-page.ts';
import { openTickets, type ForwardedEvent } from './tickets.ts';
import { openTokenCheck } from './token-check.ts';

export interface HostAppParts {
  /** PUBLIC_URL of Portcullis, which issues the access tokens. */
  ingressUrl: string;
  /** FORWARD_SECRET of Portcullis. */
  forwardSecret: string;
  page: Page;
}

/** A support application behind Portcullis: it gets verified events, answers for its tickets, and trusts access tokens. */
export function openHostApp({ ingressUrl, forwardSecret, page }: HostAppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  const tickets = openTickets();
  const webhook = new Webhook(forwardSecret);
  const checkToken = openTokenCheck(ingressUrl);

  // What Portcullis forwards: FORWARD_URL.
  app.post('/webhooks/portcullis', express.raw({ type: 'application/json', limit: '4mb' }), (request, response) => {
    let event: ForwardedEvent;
    try {
      event = webhook.verify(request.body as Buffer, request.headers as Record<string, string>) as ForwardedEvent;
    } catch {
      response.status(401).end();
      return;
    }
    tickets.take(String(request.headers['webhook-id']), event);
    response.status(204).end();
  });

  // Whether a person may use a ticket: TICKET_CHECK_URL. Only Portcullis should reach it.
  app.post('/ticket-check', express.json(), (request, response) => {
    const { userId, ticketId } = request.body as { userId: string; ticketId: string };
    response.status(tickets.mayUse(userId, ticketId) ? 200 : 403).end();
  });

  async function requireUser(request: Request, response: Response, next: NextFunction): Promise<void> {
    const userId = await checkToken(request.headers.authorization);
    if (userId === undefined) {
      response.status(401).set('www-authenticate', 'Bearer').end();
      return;
    }
    response.locals['userId'] = userId;
    next();
  }

  app.get('/api/tickets', requireUser, (_request, response) => {
    tickets.welcome(String(response.locals['userId']));
    response.json({ items: tickets.list() });
  });

  app.get('/{*path}', (request, response) => {
    const asset = page.get(request.path === '/' ? '/index.html' : request.path);
    if (asset === undefined) response.status(404).end();
    else response.type(asset.type).send(asset.text);
  });
  return app;
}
