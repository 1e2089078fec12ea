import { describe, expect, it } from 'vitest';
import { readCspReports } from './csp-report.ts';

const old = (report: Record<string, unknown>): string => JSON.stringify({ 'csp-report': report });
const list = (...bodies: unknown[]): string =>
  JSON.stringify(bodies.map((body) => ({ type: 'csp-violation', age: 1, url: 'https://in.example.com/', body })));

describe('a report', () => {
  it.each([
    [
      'of the old form',
      old({ 'violated-directive': "script-src 'self'", 'blocked-uri': 'https://evil.example/x.js?token=1' }),
      [{ directive: 'script-src', blocked: 'https://evil.example' }],
    ],
    [
      'of the new form, of which others are left out',
      JSON.stringify([
        { type: 'deprecation', body: { id: 'x' } },
        {
          type: 'csp-violation',
          body: { effectiveDirective: 'style-src-elem', blockedURL: 'inline', sample: 'secret' },
        },
      ]),
      [{ directive: 'style-src-elem', blocked: 'inline' }],
    ],
    [
      'of a scheme',
      list({ effectiveDirective: 'img-src', blockedURL: 'data:image/png;base64,AAAA' }),
      [{ directive: 'img-src', blocked: 'data:' }],
    ],
    ['that tells nothing', old({}), [{ directive: 'unknown', blocked: 'unknown' }]],
    ['with a body of null', list(null), [{ directive: 'unknown', blocked: 'unknown' }]],
    [
      'that tries to be a header or a page',
      old({ 'effective-directive': 'x\r\nset-cookie: a=b', 'blocked-uri': '<script>alert(1)</script>' }),
      [{ directive: 'x', blocked: 'unknown' }],
    ],
    ['of other things only', JSON.stringify([{ type: 'crash' }]), []],
  ])('%s', (_, text, expected) => {
    expect(readCspReports(text)).toEqual(expected);
  });

  it('counts ten violations at most', () => {
    expect(readCspReports(list(...Array.from({ length: 50 }, () => ({}))))).toHaveLength(10);
  });

  it.each(['{}', '[1]', '"x"', 'null', '{"csp-report":1}', '{"csp-report":{"blocked-uri":{}}}'])(
    'is not %s',
    (text) => {
      expect(readCspReports(text)).toBeUndefined();
    },
  );

  it('is malformed if it is no JSON', () => {
    expect(() => readCspReports('{')).toThrow('request-malformed');
  });
});
