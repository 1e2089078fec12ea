import { randomUUID } from 'node:crypto';

/** A new id: uuid v7 (RFC 9562 §5.7), so that rows made in a later millisecond sort later. */
export function newId(nowMs = Date.now()): string {
  const time = nowMs.toString(16).padStart(12, '0');
  // Node keeps a store of random bytes for version 4, whose last 74 random bits stand where version 7 wants them.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isId(text: string): boolean {
  return UUID.test(text);
}
