import { describe, expect, it } from 'vitest';
import { openKeyring } from '#access/keyring.ts';
import { hashOf, readRefreshToken, refreshTokenText } from '#access/refresh-token-text.ts';

const keyring = openKeyring(['the first secret of this test 0001']);
const parts = {
  sessionId: '01930000-0000-7000-8000-00000000abcd',
  generation: 7,
  secret: Buffer.from(Array.from({ length: 32 }, (_, index) => index)),
};
const text = refreshTokenText(keyring.first, parts);
const fields = text.split('.');
const withField = (index: number, value: string): string => fields.with(index, value).join('.');

describe('a refresh token', () => {
  it('names key, session and generation, and comes back as it went', () => {
    expect(fields.slice(0, 4)).toEqual(['v1', keyring.first.id, parts.sessionId, '7']);
    expect(readRefreshToken(keyring, text)).toEqual({ ...parts, secretHash: hashOf(parts.secret) });
  });

  it('is still read when its secret has become the second, and not when it is gone', () => {
    const rotated = openKeyring(['the second secret of this test 002', 'the first secret of this test 0001']);
    expect(readRefreshToken(rotated, text)?.generation).toBe(7);
    expect(readRefreshToken(openKeyring(['the second secret of this test 002']), text)).toBeUndefined();
  });
});

describe('what is not ours', () => {
  const other = '01930000-0000-7000-8000-000000000002';
  it.each([
    ['nothing', ''],
    ['another version', withField(0, 'v0')],
    ['an unknown key', withField(1, 'AAAAAAAA')],
    ["another session's id with one's own secret", withField(2, other)],
    ['an id in capitals', withField(2, parts.sessionId.toUpperCase())],
    ['another generation', withField(3, '8')],
    ['a generation with a zero in front', withField(3, '07')],
    ['a generation that is no number', withField(3, '1e1')],
    ['a changed bit of the secret', withField(4, fields[4]!.replace('A', 'B'))],
    ['a changed bit of the MAC', withField(5, `${fields[5]!.startsWith('A') ? 'B' : 'A'}${fields[5]!.slice(1)}`)],
    ['a truncated MAC', withField(5, fields[5]!.slice(0, -1))],
    ['bits that base64url leaves over', withField(4, `${fields[4]!.slice(0, -1)}9`)],
    ['a part less', fields.slice(0, 5).join('.')],
    ['a part more', `${text}.x`],
    ['a line break at the end', `${text}\n`],
    ['a space in front', ` ${text}`],
    ['1 MB', text + 'A'.repeat(1_000_000)],
  ])('is not read: %s', (_, forged) => {
    expect(readRefreshToken(keyring, forged)).toBeUndefined();
  });
});
