import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Head } from '#webhooks/provider.ts';
import type { ProblemAnswer } from './problem.ts';
import type { WebhookRoute } from './webhook-route.ts';

/** One request at the webhook door, and what is to be answered. */
export interface WebhookExchange {
  request: IncomingMessage;
  response: ServerResponse;
  route: WebhookRoute;
  head: Head;
  requestId: string;
  address: string;
}

export type WebhookAnswer = Omit<ProblemAnswer, 'body'> & { body?: Buffer | string };
