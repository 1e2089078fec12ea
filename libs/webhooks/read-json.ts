import type { Json, JsonObject } from '#webhooks/event.ts';
import { isObject } from '#webhooks/parse-json.ts';

/** Readers for values of a shape nobody promised: what is not of the wanted kind counts as absent. */

export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

export function objectsOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}

/** A non-empty text, or a number as text, as ids come in both. */
export function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const UNIX_SECONDS = /^\d{1,11}(?:\.\d{1,6})?$/;

/** A time in Unix seconds, as number or as text. */
export function timeOfSeconds(value: Json | undefined): Date | undefined {
  const text = textOf(value);
  return text !== undefined && UNIX_SECONDS.test(text) ? new Date(Number(text) * 1000) : undefined;
}

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$/;

/** An ISO 8601 time; without an offset it is read as UTC. */
export function timeOfIso(value: Json | undefined): Date | undefined {
  const match = typeof value === 'string' ? ISO.exec(value) : null;
  if (match === null) return undefined;
  const time = new Date(match[1] === undefined ? `${match[0]}Z` : match[0]);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** The object without the members that are undefined. */
export function compact(members: Record<string, Json | undefined>): JsonObject {
  const object: JsonObject = {};
  for (const [name, value] of Object.entries(members)) if (value !== undefined) object[name] = value;
  return object;
}
