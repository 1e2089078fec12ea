import { hash } from 'node:crypto';
import type { Json } from '#webhooks/event.ts';

const MAX_KEY_CHARACTERS = 255;

/** A key made of the sender's ids; one too long to be indexed is replaced by its hash. */
export function keyOfIds(...ids: string[]): string {
  const key = ids.join(':');
  return key.length <= MAX_KEY_CHARACTERS ? key : keyOfText(key);
}

/** A key for what has no id: SHA-256, whatever the order of the members. */
export function keyOfJson(value: Json): string {
  return keyOfText(canonical(value));
}

export function keyOfHash(sha256: Buffer): string {
  return `sha256:${sha256.toString('hex')}`;
}

function keyOfText(text: string): string {
  return `sha256:${hash('sha256', text)}`;
}

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join(',')}}`;
}
