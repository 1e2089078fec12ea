import { expect, it } from 'vitest';
import { openRateLimitFields, rateLimitFields } from '#limits/fields.ts';

/** A list of one string with integer parameters, by the grammar of RFC 9651 §3.1 and §3.3. */
const ITEM = /^"([ !#-[\]-~]*)"((?:;[a-z*][a-z0-9_.*-]*=-?\d{1,15})+)$/;

function parse(field: string): { name: string | undefined; parameters: Record<string, number> } {
  const [, name, rest = ''] = ITEM.exec(field) ?? [];
  const pairs = rest
    .split(';')
    .filter((text) => text !== '')
    .map((text) => text.split('=') as [string, string]);
  return { name, parameters: Object.fromEntries(pairs.map(([key, value]) => [key, Number(value)])) };
}

it('are structured fields with quota and window, remaining and reset, and nothing that stands for the caller', () => {
  const fields = rateLimitFields({ policy: 'sign-in', quota: 5, remaining: 0, windowSeconds: 900, resetSeconds: 412 });
  expect(parse(fields['ratelimit-policy'])).toEqual({ name: 'sign-in', parameters: { q: 5, w: 900 } });
  expect(parse(fields.ratelimit)).toEqual({ name: 'sign-in', parameters: { r: 0, t: 412 } });
});

it('are the same where they are made for many answers, whatever quota a caller has', () => {
  const fieldsOf = openRateLimitFields();
  const limits = ['user', 'agent', 'user'].flatMap((policy) =>
    [3_000, 750, 750, 3_000].map((quota, n) => ({
      policy,
      quota,
      remaining: n,
      windowSeconds: 60 + n,
      resetSeconds: n,
    })),
  );
  for (const limit of limits) expect(fieldsOf(limit)).toEqual(rateLimitFields(limit));
});
