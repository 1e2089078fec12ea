import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effort } from '#testing/effort.ts';
import { NOW_MS, testSource } from '#testing/webhook-requests.ts';
import type { EventDraft } from '#webhooks/event.ts';
import { expand } from '#webhooks/expand.ts';
import { providerNames, providers } from '#webhooks/providers.ts';

const runs = { numRuns: effort(1_000, 1_000_000) };
const timeout = 3_600_000;

const fields = [
  'entry',
  'changes',
  'value',
  'field',
  'messages',
  'statuses',
  'contacts',
  'system',
  'id',
  'status',
  'timestamp',
  'event',
  'data',
  'object',
  'created',
  'order',
  'billing',
  'type',
  'text',
  '__proto__',
  'constructor',
  'toString',
];

const { tree: anyJson } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 7, withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.double(),
      fc.bigInt().map(Number),
      fc.constantFrom(null, true, '0', ''),
    ),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string({ unit: 'binary' })), tie('tree'), { maxKeys: 6 }),
  ),
}));

const anyBody = fc.oneof(
  anyJson.map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.webQueryParameters().map((text) => Buffer.from(text)),
  fc
    .tuple(fc.constantFrom(...providerNames), fc.nat(2_000), fc.uint8Array({ maxLength: 4 }))
    .map(([name, at, bytes]) => {
      const { body } = providers[name].sample(1, NOW_MS);
      return Buffer.concat([
        body.subarray(0, at % body.length),
        bytes,
        body.subarray((at % body.length) + bytes.length),
      ]);
    }),
);

const keptNames = providerNames.flatMap((name) => providers[name].keptHeaders(testSource(name)));
const anyHeaders = fc.dictionary(fc.constantFrom(...keptNames), fc.string());

/** Whether the database takes it: no NUL, no lone surrogate, nothing too long to be indexed, no impossible time. */
function isStorable(event: EventDraft): boolean {
  const text = JSON.stringify(event);
  const isText = text.isWellFormed() && !/\\u0000|\\ud[89a-f]/.test(text.replaceAll('\\\\', ''));
  const isShort = [event.key, event.type, ...event.subjects].every((part) => part.length > 0 && part.length <= 255);
  return isText && isShort && !Number.isNaN(event.occurredAt?.getTime());
}

describe('any body at all', () => {
  it('is expanded into events that the database takes, or told by a reason; nothing is thrown', { timeout }, () => {
    fc.assert(
      fc.property(fc.constantFrom(...providerNames), anyBody, anyHeaders, (name, body, headers) => {
        const expansion = expand(name, { body, sha256: hash('sha256', body, 'buffer'), headers });
        expect(expansion.ok ? expansion.events.filter((event) => !isStorable(event)) : []).toEqual([]);
      }),
      runs,
    );
  });
});
