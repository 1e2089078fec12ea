import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, type FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectJson } from '#uploads/inspect/json.ts';

function isAccepted(text: string, chunkBytes = 3): boolean {
  const whole = bytesOf(Buffer.from(text));
  const inPieces: FileBytes = {
    ...whole,
    *chunks() {
      for (let at = 0; at < whole.size; at += chunkBytes) yield whole.read(at, chunkBytes);
    },
  };
  try {
    inspectJson(inPieces);
    return true;
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the check of JSON', () => {
  it('accepts what JSON.parse accepts, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), fc.integer({ min: 1, max: 9 }), (text, chunkBytes) => {
        fc.pre(!/[\u007f]/.test(text));
        expect(isAccepted(text, chunkBytes)).toBe(true);
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '0', 'e', '-', '.', 't', '\\'),
        (text, at, char) => {
          const place = at % (text.length + 1);
          const changed = text.slice(0, place) + char + text.slice(place + 1);
          fc.pre(!isJson(changed));
          expect(isAccepted(changed)).toBe(false);
        },
      ),
    );
  });

  it.each([
    '',
    ' ',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    '01',
    '1.',
    'nul',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '[1 2]',
    '{"a" 1}',
    '[',
    ']',
    '1 2',
    '"a',
  ])('refuses %j', (text) => {
    expect(isAccepted(text)).toBe(false);
  });
});
