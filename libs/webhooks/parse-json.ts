import { isUtf8 } from 'node:buffer';
import type { Json, JsonObject, MalformedReason } from '#webhooks/event.ts';

const MAX_DEPTH = 64;
const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const OPEN_OBJECT = '{'.charCodeAt(0);
const OPEN_ARRAY = '['.charCodeAt(0);
const CLOSE_OBJECT = '}'.charCodeAt(0);
const CLOSE_ARRAY = ']'.charCodeAt(0);

export type ParsedJson = { ok: true; value: Json } | { ok: false; reason: MalformedReason };

/**
 * Parses JSON from somebody else (RFC 8259; UTF-8 without byte order mark, §8.1), at most 64 levels deep. `__proto__` is
 * dropped; integers past 2^53 and numbers past the range of a double stay as the text they were; what PostgreSQL can't
 * hold in text (NUL, lone surrogates) becomes U+FFFD.
 */
export function parseJson(bytes: Buffer): ParsedJson {
  if (!isUtf8(bytes)) return { ok: false, reason: 'encoding-invalid' };
  if (isDeep(bytes)) return { ok: false, reason: 'json-deep' };
  try {
    return { ok: true, value: parse(bytes.toString('utf8'), revive) };
  } catch {
    return { ok: false, reason: 'json-invalid' };
  }
}

/** TypeScript's own declaration lacks the third argument of a reviver. */
type Revive = (name: string, value: unknown, context: { source?: string }) => unknown;
const parse = JSON.parse as (text: string, revive: Revive) => Json;

/** Looked at before parsing, because reviving and writing deep values overflows the stack. */
function isDeep(bytes: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString) {
      if (byte === BACKSLASH) at += 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
  }
  return false;
}

/** Text that PostgreSQL's text and jsonb take. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

function revive(name: string, value: unknown, context: { source?: string }): unknown {
  if (name === '__proto__') return undefined;
  if (typeof value === 'string') return storable(value);
  if (typeof value === 'number') return isExact(value) ? value : context.source;
  if (isObject(value as Json)) renameUnstorable(value as JsonObject);
  return value;
}

function isExact(value: number): boolean {
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
}

function renameUnstorable(object: JsonObject): void {
  for (const [name, value] of Object.entries(object)) {
    if (storable(name) === name) continue;
    delete object[name];
    object[storable(name)] = value;
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
