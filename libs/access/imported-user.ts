import { z } from 'zod';
import { canonicalEmail } from '#access/email.ts';
import { faultOfHash } from '#access/imported-hash.ts';
import { ROLES, type Role } from '#access/user.ts';

/** A person as another application knew them. */
export interface ImportedUser {
  /** In canonical form. */
  email: string;
  name: string;
  role: Role;
  /** Judged by faultOfHash. */
  passwordHash: string;
  disabled: boolean;
}

const schema = z.strictObject({
  email: z.string('is missing or no text').transform((text, context) => {
    const email = canonicalEmail(text);
    if (email !== undefined) return email;
    context.addIssue({ code: 'custom', message: 'is no e-mail address' });
    return z.NEVER;
  }),
  name: z
    .string('is missing or no text')
    .trim()
    .min(1, 'is empty')
    .max(200, 'has more than 200 characters')
    .regex(/^[^\p{C}]*$/u, 'holds control characters'),
  role: z.enum(ROLES, `is not one of ${ROLES.join(', ')}`).default('user'),
  passwordHash: z.string('is missing or no text').superRefine((hash, context) => {
    const fault = faultOfHash(hash);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  }),
  disabled: z.boolean('is neither true nor false').default(false),
});

/** Reads one line of JSON, or says everything that is wrong with it: in words of our own, for the line holds a hash. */
export function readImportedUser(line: string): { user: ImportedUser } | { faults: string[] } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { faults: ['is no JSON'] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { faults: ['is no JSON object'] };
  const result = schema.safeParse(value);
  return result.success ? { user: result.data } : { faults: result.error.issues.map(textOf) };
}

function textOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return `${issue.path.join('.')} ${issue.message}`;
  const named = issue.keys.filter((key) => /^\w{1,32}$/.test(key));
  return named.length === 0 ? 'has an unknown member' : `has an unknown member ${named.join(', ')}`;
}
