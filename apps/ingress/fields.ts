import { z } from 'zod';
import { canonicalEmail } from '#access/email.ts';
import { MAX_PASSWORD_LENGTH } from '#access/password-policy.ts';
import { Failure } from '#runtime/failure.ts';
import { isId } from '#runtime/id.ts';
import type { Request } from 'express';

/** An e-mail address in its canonical form. */
export const emailField = z.string().transform((text, context) => {
  const email = canonicalEmail(text);
  if (email !== undefined) return email;
  context.addIssue({ code: 'custom', message: 'must be an e-mail address' });
  return z.NEVER;
});

/** A password as typed. Its length is bounded before it is hashed; half a character would hash like another half. */
export const passwordField = z
  .string()
  .min(1)
  .refine((text) => Array.from(text.normalize('NFC')).length <= MAX_PASSWORD_LENGTH, {
    message: `must have at most ${MAX_PASSWORD_LENGTH} characters`,
  })
  .refine((text) => text.isWellFormed(), { message: 'must be well-formed' });

/** A name for people to read: no control or format characters. */
export const nameField = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}]*$/u, 'must hold no control characters');

/** What a client without cookies made for itself and keeps. */
export const deviceIdField = z.string().regex(/^[\w.:-]{8,128}$/, 'must be 8 to 128 of A-Z a-z 0-9 _ . : -');

const MAX_PAGE = 200;
const DEFAULT_PAGE = 50;

/** `?limit&cursor` of every list. */
export const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(1).max(MAX_PAGE))
    .default(DEFAULT_PAGE),
  cursor: z.string().refine(isId, 'must be the cursor of a list').optional(),
});

/** The id in the path. What is no id names nothing. @throws Failure `not-found`. */
export function idOf(request: Request): string {
  const { id } = request.params;
  if (typeof id !== 'string' || !isId(id)) throw new Failure('not-found');
  return id;
}
