import type { Sample } from '#webhooks/provider.ts';

/** A sample whose body is JSON. */
export function jsonSample(payload: object, headers: Record<string, string> = {}): Sample {
  return { body: Buffer.from(JSON.stringify(payload)), headers: { 'content-type': 'application/json', ...headers } };
}

/** In whole seconds, without a zone. */
export function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

/** The last group of a UUID. */
export function uuidTail(n: number): string {
  return n.toString(16).padStart(12, '0').slice(-12);
}

const NOT_ASCII = /[^\0-~]/g;

/** As PHP's json_encode writes what JSON.stringify wrote. */
export function escapeLikePhp(text: string): string {
  return text
    .replaceAll(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('/', String.raw`\/`);
}
