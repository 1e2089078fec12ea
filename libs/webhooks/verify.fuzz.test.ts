import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effort } from '#testing/effort.ts';
import { ed25519Pair, NOW_MS, signedDelivery, testSource } from '#testing/webhook-requests.ts';
import type { Delivery } from '#webhooks/provider.ts';
import { providerNames, providers } from '#webhooks/providers.ts';
import type { Source } from '#webhooks/source.ts';
import { precheck, verify } from '#webhooks/verify.ts';

const timeout = 3_600_000;
const runs = { numRuns: effort(1_000, 1_000_000) };
const pair = ed25519Pair(Buffer.alloc(32, 'fuzz'));

interface Good {
  source: Source;
  delivery: Delivery;
}

const goods: Good[] = [
  ...providerNames.map((name) => {
    const source = testSource(name);
    const body = name === 'twilio' ? 'AccountSid=AC1&Body=hello&MessageSid=SM1' : '{"id":1,"text":"\u00E4"}';
    return { source, delivery: signedDelivery(source, body) };
  }),
  ((source: Source) => ({ source, delivery: signedDelivery(source, '{"id":1}', { key: pair.privateKey }) }))(
    testSource('standard-webhooks', { keys: [pair.publicKey] }),
  ),
];

const good = fc.constantFrom(...goods);
const at = fc.nat(10_000);
const odd = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    ',',
    '=',
    '.',
    '0',
    '\t',
    '\n',
    '\0',
    '\u00E4',
    'sha256=',
    'v1,',
    'v1=',
    't=',
    ', ',
    '%',
    '&',
  ),
  fc.string({ maxLength: 12, unit: 'binary' }),
);

/** Changes one place of a text: puts something in, takes something out, or both. */
const textEdit = fc.tuple(at, fc.nat(3), odd).map(([where, remove, insert]) => (text: string) => {
  const from = where % (text.length + 1);
  return text.slice(0, from) + insert + text.slice(from + remove);
});

const bytesEdit = fc
  .tuple(at, fc.nat(3), fc.uint8Array({ maxLength: 4 }))
  .map(([where, remove, insert]) => (bytes: Buffer) => {
    const from = where % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(from + remove)]);
  });

type Change = (delivery: Delivery) => Delivery;

const headerChange: fc.Arbitrary<Change> = fc
  .record({ which: at, edit: textEdit, how: fc.constantFrom('edit', 'drop', 'repeat', 'add') })
  .map(({ which, edit, how }) => (delivery) => {
    const entries = Object.entries(delivery.headers);
    const [name = '', values = []] = entries[which % entries.length] ?? [];
    const [value = ''] = values;
    const changed = { edit: [edit(value)], drop: undefined, repeat: [value, value], add: [value, edit(value)] }[how];
    return { ...delivery, headers: { ...delivery.headers, [name]: changed } };
  });

const bodyChange: fc.Arbitrary<Change> = bytesEdit.map((edit) => (delivery) => ({
  ...delivery,
  body: edit(delivery.body),
}));

const urlChange: fc.Arbitrary<Change> = fc
  .record({
    path: fc.option(textEdit),
    query: fc.option(odd),
    method: fc.constantFrom('POST', 'GET', 'PUT', 'post', ''),
  })
  .map(({ path, query, method }) => (delivery) => ({
    ...delivery,
    method,
    path: path?.(delivery.path) ?? delivery.path,
    query: query ?? delivery.query,
  }));

const changes = fc.array(
  fc.oneof({ weight: 4, arbitrary: headerChange }, { weight: 4, arbitrary: bodyChange }, urlChange),
  {
    minLength: 1,
    maxLength: 3,
  },
);

/** What the signature covers; of the URL only where it does. */
function signedPart({ source, delivery }: Good): unknown {
  const { method, headers, body } = delivery;
  const url = providers[source.provider].signsUrl ? [delivery.path, delivery.query] : [];
  return JSON.stringify([method, headers, body.toString('latin1'), ...url]);
}

/** What a changed request may come to: a refusal, the same one as before its body was read, or a copy of what was signed. */
function isSound({ source, delivery: original }: Good, delivery: Delivery): boolean {
  const early = precheck(source, delivery);
  const verification = verify(source, delivery);
  if (!verification.ok) return early === undefined || early === verification.reason;
  if (early !== undefined) return false;
  if (!providers[source.provider].signsUrl)
    return signedPart({ source, delivery }) === signedPart({ source, delivery: original });
  const first = verify(source, original);
  return first.ok && verification.dedupeKey?.equals(first.dedupeKey ?? Buffer.alloc(0)) === true;
}

describe('requests with random changes', () => {
  it('never make the verifier throw, and are accepted only as copies of what was signed', { timeout }, () => {
    const changed = fc.tuple(good, changes).map(([original, edits]) => {
      return { original, delivery: edits.reduce((delivery, edit) => edit(delivery), original.delivery) };
    });
    fc.assert(
      fc.property(changed, ({ original, delivery }) => {
        expect(isSound(original, delivery)).toBe(true);
      }),
      runs,
    );
  });

  it.each(goods.map((each) => [each.source.provider, each] as const))(
    'start from a good one: %s',
    (_provider, each) => {
      expect(verify(each.source, each.delivery)).toMatchObject({ ok: true, verdict: 'accepted' });
    },
  );
});

describe('requests made of anything at all', () => {
  const headerNames = [...new Set(goods.flatMap(({ delivery }) => Object.keys(delivery.headers)))];
  const anyHeaders = fc.dictionary(
    fc.oneof(fc.constantFrom(...headerNames, '__proto__', 'content-length', 'x-wc-webhook-topic'), fc.string()),
    fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }),
  );

  it('never make the verifier throw, and are never accepted', { timeout }, () => {
    const anything = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT'),
      path: fc.string({ unit: 'binary' }),
      query: fc.oneof(fc.string({ unit: 'binary' }), fc.webQueryParameters()),
      headers: anyHeaders,
      nowMs: fc.oneof(fc.constant(NOW_MS), fc.integer()),
      body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(fc.constantFrom(...providerNames), anything, (name, delivery) => {
        precheck(testSource(name), delivery);
        expect(verify(testSource(name), delivery).ok).toBe(false);
      }),
      runs,
    );
  });
});
