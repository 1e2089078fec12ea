import { randomBytes } from 'node:crypto';

const NAME = /^[0-9a-f]{64}$/;

export function newStoredName(): string {
  return randomBytes(32).toString('hex');
}

export function isStoredName(name: string): boolean {
  return NAME.test(name);
}

/** Before a name becomes part of a path. */
export function requireStoredName(name: string): void {
  if (!isStoredName(name)) throw new Error('a stored name has 64 hex digits');
}
