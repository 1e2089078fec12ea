import { createHmac, timingSafeEqual } from 'node:crypto';

/** Meta's signature over the received bytes, as its documentation says to check it. */
export function isSigned(body: Buffer, header: string | undefined, secret: string): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(header ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
