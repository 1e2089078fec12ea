import { isUtf8 } from 'node:buffer';
import type { Json } from '#webhooks/event.ts';
import { maskJson } from '#webhooks/mask.ts';
import { formObject, parseForm } from '#webhooks/parse-form.ts';
import { parseJson } from '#webhooks/parse-json.ts';

/** Masking parses; a larger body would hold up everything else in the process. */
export const MASKED_LIMIT_BYTES = 256 * 1024;
export const REVEALED_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * A kept body as an admin sees it: `json` with personal data masked; revealed as `text`, or as `base64` if it is no UTF-8;
 * `hidden` with the reason where neither can be.
 */
export type ShownBody =
  | { form: 'json'; value: Json }
  | { form: 'text' | 'base64'; text: string }
  | { form: 'hidden'; reason: 'absent' | 'large' | 'unreadable' };

/** JSON and forms with their values masked. */
export function maskedBody(body: Buffer | undefined): ShownBody {
  if (body === undefined || body.length === 0) return { form: 'hidden', reason: 'absent' };
  if (body.length > MASKED_LIMIT_BYTES) return { form: 'hidden', reason: 'large' };
  const parsed = parseJson(body);
  if (parsed.ok) return { form: 'json', value: maskJson(parsed.value) };
  const fields = body.includes('=') ? parseForm(body) : undefined;
  if (fields === undefined || fields.length === 0) return { form: 'hidden', reason: 'unreadable' };
  return { form: 'json', value: maskJson(formObject(fields)) };
}

/** The bytes as they came. */
export function revealedBody(body: Buffer | undefined): ShownBody {
  if (body === undefined) return { form: 'hidden', reason: 'absent' };
  if (body.length > REVEALED_LIMIT_BYTES) return { form: 'hidden', reason: 'large' };
  return isUtf8(body)
    ? { form: 'text', text: body.toString('utf8') }
    : { form: 'base64', text: body.toString('base64') };
}
