import type { WebhookAnswer, WebhookExchange } from './webhook-exchange.ts';

/** How long the rest of a refused body is still read, so that the sender gets to see the answer. */
const LINGER_MS = 2_000;
/** The rest of a refused body that is worth reading to its end, so that the connection can be used again. */
const LINGER_BYTES = 64 * 1024;

/** Answers at once; what is left of a refused body is read on for a little, so that its sender gets to see the answer. */
export function sendAnswer(
  { request, response, requestId }: WebhookExchange,
  { status, headers, body }: WebhookAnswer,
  baseHeaders: readonly string[],
): void {
  if (response.destroyed) return;
  const unread = !request.complete && !request.readableEnded;
  const isLong = !(Number(request.headers['content-length']) <= LINGER_BYTES);
  const list = [...baseHeaders, 'x-request-id', requestId];
  for (const [name, value] of Object.entries(headers)) list.push(name, value);
  if (unread && isLong && status !== 200) list.push('connection', 'close');
  response.writeHead(status, list);
  response.end(body);
  if (!unread) return;
  request.resume();
  const timer = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, LINGER_MS);
  // Not only for tidiness: under a flood, timers would keep the requests of two seconds in memory.
  request.once('close', () => clearTimeout(timer));
}
