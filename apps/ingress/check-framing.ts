import { Failure } from '#runtime/failure.ts';
import type { WebhookExchange } from './webhook-exchange.ts';

/**
 * What method and headers say of the body, before it is read.
 * @throws Failure `method-unsupported`, `content-encoding-unsupported`, `too-large`, `body-empty`.
 */
export function checkFraming({ request, route, head }: WebhookExchange, maxBytes: number): void {
  if (!route.methods.includes(head.method)) {
    throw new Failure('method-unsupported', { headers: { allow: route.methods.join(', ') } });
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new Failure('content-encoding-unsupported');
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) > maxBytes) throw new Failure('too-large');
  const isBodiless = length === '0' || (length === undefined && request.headers['transfer-encoding'] === undefined);
  if (head.method === 'POST' && isBodiless) throw new Failure('body-empty');
}
