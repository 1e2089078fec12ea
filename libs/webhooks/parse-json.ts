import { isUtf8 } from 'node:buffer';
import type { Json, JsonObject, MalformedReason } from '#webhooks/event.ts';

const MAX_DEPTH = 64;
const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const OPEN_OBJECT = '{'.charCodeAt(0);
const OPEN_ARRAY = '['.charCodeAt(0);
const CLOSE_OBJECT = '}'.charCodeAt(0);
const CLOSE_ARRAY = ']'.charCodeAt(0);
const [ZERO, NINE] = ['0', '9'].map((digit) => digit.charCodeAt(0)) as [number, number];
const [LOWER_E, UPPER_E, LOWER_U] = ['e', 'E', 'u'].map((letter) => letter.charCodeAt(0)) as [number, number, number];
/** Integers of so many digits are below 2^53. */
const SAFE_DIGITS = 15;

export type ParsedJson = { ok: true; value: Json } | { ok: false; reason: MalformedReason };

/**
 * Parses JSON from somebody else (RFC 8259; UTF-8 without byte order mark, §8.1), at most 64 levels deep. `__proto__` is
 * dropped; integers past 2^53 and numbers past the range of a double stay as the text they were; what PostgreSQL can't
 * hold in text (NUL, lone surrogates) becomes U+FFFD.
 */
export function parseJson(bytes: Buffer): ParsedJson {
  if (!isUtf8(bytes)) return { ok: false, reason: 'encoding-invalid' };
  const { isDeep, isPlain } = lookAt(bytes);
  if (isDeep) return { ok: false, reason: 'json-deep' };
  const text = bytes.toString('utf8');
  try {
    // Reviving takes several times as long as parsing, and of most texts it changes nothing.
    const value = isPlain && !text.includes('__proto__') ? (JSON.parse(text) as Json) : parse(text, revive);
    return { ok: true, value };
  } catch {
    return { ok: false, reason: 'json-invalid' };
  }
}

/** TypeScript's own declaration lacks the third argument of a reviver. */
type Revive = (name: string, value: unknown, context: { source?: string }) => unknown;
const parse = JSON.parse as (text: string, revive: Revive) => Json;

/**
 * Looked at before parsing, because reviving and writing deep values overflows the stack. A plain text has no escape by
 * number, which NUL and lone surrogates need in valid UTF-8, and no number that a double might change.
 */
function lookAt(bytes: Buffer): { isDeep: boolean; isPlain: boolean } {
  let depth = 0;
  let digits = 0;
  let inString = false;
  let isPlain = true;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) inString = !inString;
    else if (inString) {
      if (byte !== BACKSLASH) continue;
      at += 1;
      if (bytes[at] === LOWER_U) isPlain = false;
    } else if (byte >= ZERO && byte <= NINE) {
      digits += 1;
      if (digits > SAFE_DIGITS) isPlain = false;
      continue;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      if (depth > MAX_DEPTH) return { isDeep: true, isPlain };
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
    else if (digits > 0 && (byte === LOWER_E || byte === UPPER_E)) isPlain = false;
    digits = 0;
  }
  return { isDeep: false, isPlain };
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
