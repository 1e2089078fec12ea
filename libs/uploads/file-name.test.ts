import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attachmentHeader, fileNamesOf } from '#uploads/content-disposition.ts';
import { reprDigest, sha256Of } from '#uploads/digest.ts';
import { extensionOf, safeName } from '#uploads/file-name.ts';

describe('a safe name', () => {
  it('has no separator, control or format character, and at most 200 bytes, whatever was sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (sent) => {
        const name = safeName(sent);
        expect(name).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}/\\:]/u);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
        expect(name).not.toMatch(/^\.|^\s|[.\s]$/);
      }),
    );
  });

  it('is safe already when it is made safe again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (sent) => {
        const once = safeName(sent);
        expect(safeName(once)).toBe(once);
      }),
    );
  });

  it('keeps its extension when it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 400 }), (stem) => {
        expect(extensionOf(safeName(`n${stem.replaceAll(/[/\\]/g, '')}.png`))).toBe('png');
      }),
    );
  });
});

describe('the header of an attachment', () => {
  it('gives every safe name back, and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (sent) => {
        const name = safeName(sent);
        fc.pre(name !== '');
        const header = attachmentHeader(name);
        expect(header).toMatch(/^[\x20-\x7e]+$/);
        expect(fileNamesOf(header)?.at(-1)).toBe(name);
      }),
    );
  });
});

describe('a Content-Disposition', () => {
  it.each([
    ['attachment; filename="EURO rates"', ['EURO rates']],
    ['attachment; filename="EURO rates"; filename*=utf-8\'\'%e2%82%ac%20rates', ['EURO rates', '€ rates']],
    ['attachment; filename=a.txt; filename=b.txt', ['a.txt', 'b.txt']],
    [String.raw`attachment; filename="a\"b.txt"`, ['a"b.txt']],
    ['attachment', []],
    ['inline', []],
  ])('%s names %j', (header, names) => {
    expect(fileNamesOf(header)).toEqual(names);
  });

  it.each([
    '',
    '=',
    'attachment; filename',
    'attachment; filename="x',
    "a; filename*=iso-8859-1''x",
    "a; filename*=UTF-8''%zz",
  ])('%j is malformed', (header) => {
    expect(fileNamesOf(header)).toBeUndefined();
  });
});

describe('a Repr-Digest', () => {
  // RFC 9530 appendix D, of `{"hello": "world"}` and a line end.
  const header = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:';

  it('is read and written', () => {
    const digest = sha256Of(header);
    expect(digest?.toString('hex')).toBe('44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38');
    expect(reprDigest(digest!)).toBe(header);
    expect(sha256Of(`sha-512=:AAAA:, ${header}`)).toEqual(digest);
  });

  it('is null if it is malformed, and undefined if it names another algorithm', () => {
    expect(sha256Of('sha-256=:abc:')).toBeNull();
    expect(sha256Of('sha-256="abc"')).toBeNull();
    expect(sha256Of('sha-512=:AAAA:')).toBeUndefined();
  });
});
