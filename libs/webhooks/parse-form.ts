import { isUtf8 } from 'node:buffer';
import type { JsonObject } from '#webhooks/event.ts';
import { parseJson, storable, type ParsedJson } from '#webhooks/parse-json.ts';

const MAX_FIELDS = 1_000;

/** The fields of an application/x-www-form-urlencoded body in their order; undefined if it is none, or has too many. */
export function parseForm(body: Buffer): [name: string, value: string][] | undefined {
  if (!isUtf8(body)) return undefined;
  const pairs = body.toString('utf8').split('&', MAX_FIELDS + 1);
  if (pairs.length > MAX_FIELDS) return undefined;
  try {
    return pairs
      .filter((pair) => pair !== '')
      .map((pair) => {
        const at = pair.indexOf('=');
        return at < 0 ? [decode(pair), ''] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))];
      });
  } catch {
    return undefined;
  }
}

/** @throws URIError for a broken escape and for bytes that are no UTF-8. */
function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** The form as an object of texts; of a repeated field the first counts. */
export function formObject(fields: readonly [string, string][]): JsonObject {
  const entries = fields
    .filter(([name]) => name !== '__proto__')
    .map(([name, value]) => [storable(name), storable(value)]);
  return Object.fromEntries(entries.toReversed()) as JsonObject;
}

/** JSON that comes as the body, or inside one field of a form. */
export function formJson(body: Buffer, field: string): ParsedJson {
  if (!body.subarray(0, field.length + 1).equals(Buffer.from(`${field}=`))) return parseJson(body);
  const value = parseForm(body)?.[0]?.[1];
  return value === undefined ? { ok: false, reason: 'form-invalid' } : parseJson(Buffer.from(value));
}
