import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effort } from '#testing/effort.ts';
import type { Json } from '#webhooks/event.ts';
import { parseJson } from '#webhooks/parse-json.ts';

function parsed(text: string): Json {
  const result = parseJson(Buffer.from(text));
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

const reasonOf = (bytes: Buffer): string => {
  const result = parseJson(bytes);
  return result.ok ? 'none' : result.reason;
};

describe('JSON from somebody else', () => {
  it('has no __proto__, at any depth', () => {
    const value = parsed('{"a":{"__proto__":{"admin":true},"b":1},"__proto__":1,"\\u005f_proto__":2}');
    expect(JSON.stringify(value)).toBe('{"a":{"b":1}}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('keeps integers that a double would change, as text', () => {
    expect(parsed('{"id":12345678901234567890,"n":-9007199254740993,"ok":9007199254740991,"f":1.5}')).toEqual({
      id: '12345678901234567890',
      n: '-9007199254740993',
      ok: 9_007_199_254_740_991,
      f: 1.5,
    });
  });

  it('keeps numbers past the range of a double, as text', () => {
    expect(parsed('[1e400,-1e400,1e21]')).toEqual(['1e400', '-1e400', '1e21']);
  });

  it('replaces what PostgreSQL can not hold in text, in values and in names', () => {
    expect(parsed(String.raw`{"a\u0000":"x\u0000y","\ud800":"\udc00","ok":"\ud83d\ude00"}`)).toEqual({
      'a\uFFFD': 'x\uFFFDy',
      '\uFFFD': '\uFFFD',
      ok: '😀',
    });
  });

  it.each([
    ['["\\u005f_proto__",{"_\\u005fproto__":1}]', ['__proto__', {}]],
    ['{"\\u0061":"\\u00e9"}', { a: 'é' }],
    ['[999999999999999,-999999999999999]', [999_999_999_999_999, -999_999_999_999_999]],
    ['[9007199254740992,1,-9007199254740992]', ['9007199254740992', 1, '-9007199254740992']],
    ['[0.1234567890123456,123456789012345.75]', [0.123_456_789_012_345_6, 123_456_789_012_345.75]],
    ['[1e0,2E+400,"1e400",1.5e3]', [1, '2E+400', '1e400', 1_500]],
    ['{"n":12345678901234567890.0}', { n: '12345678901234567890.0' }],
    ['["12345678901234567890",{"12345678901234567890":1}]', ['12345678901234567890', { '12345678901234567890': 1 }]],
  ])('means the same whether or not a text needs a closer look: %s', (text, value) => {
    expect(parsed(text)).toEqual(value);
    // A text beside it that always needs one.
    expect(parsed(`[${text},"\\u0000"]`)).toEqual([value, '\uFFFD']);
  });

  it('may be 64 levels deep and no deeper', () => {
    expect(reasonOf(Buffer.from('['.repeat(64) + ']'.repeat(64)))).toBe('none');
    expect(reasonOf(Buffer.from('['.repeat(65) + ']'.repeat(65)))).toBe('json-deep');
    expect(reasonOf(Buffer.from('{"a":'.repeat(65) + '1' + '}'.repeat(65)))).toBe('json-deep');
  });

  it('may have brackets, quotes and backslashes in its texts', () => {
    const text = `${'['.repeat(100)}\\"{{\\\\`;
    expect(parsed(`["${text}",1]`)).toEqual([`${'['.repeat(100)}"{{\\`, 1]);
  });

  it.each([
    ['invalid UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'encoding-invalid'],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'encoding-invalid'],
    ['a byte order mark', Buffer.from('\uFEFF1'), 'json-invalid'],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'json-invalid'],
    ['nothing', Buffer.alloc(0), 'json-invalid'],
    ['two values', Buffer.from('{}{}'), 'json-invalid'],
    ['a comment', Buffer.from('{}//'), 'json-invalid'],
    ['NaN', Buffer.from('NaN'), 'json-invalid'],
    ['a raw control character', Buffer.from('"\t"'), 'json-invalid'],
  ])('is not %s', (_title, bytes, reason) => {
    expect(reasonOf(bytes)).toBe(reason);
  });

  it('comes back as it was where it holds nothing odd', () => {
    const ordinary = fc
      .jsonValue({ maxDepth: 8 })
      .filter((value) => !/__proto__|\d{16}|\de|\\u/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(ordinary, (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parsed(text))).toBe(text);
      }),
      { numRuns: effort(1_000, 100_000) },
    );
  }, 600_000);
});
