import { describe, expect, it } from 'vitest';
import { canonicalEmail } from '#access/email.ts';

describe('one canonical form', () => {
  it.each([
    ['anna@example.com', 'anna@example.com'],
    ['A@EXAMPLE.COM', 'a@example.com'],
    ['  anna@example.com ', 'anna@example.com'],
    ['anna+tag@example.com', 'anna+tag@example.com'],
    ['jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['JOS\u00c9@example.com', 'jos\u00e9@example.com'],
    ['anna@b\u00fccher.example', 'anna@xn--bcher-kva.example'],
    ['anna@XN--BCHER-KVA.example', 'anna@xn--bcher-kva.example'],
    ['admin@localhost', 'admin@localhost'],
  ])('%s', (given, expected) => {
    expect(canonicalEmail(given)).toBe(expected);
    expect(canonicalEmail(expected)).toBe(expected);
  });
});

describe('accounts never merge', () => {
  it.each([
    ['homoglyphs', 'anna@example.com', 'аnna@example.com'],
    ['the dotless Turkish i', 'info@example.com', 'ınfo@example.com'],
    ['the dotted capital Turkish I', 'info@example.com', 'İnfo@example.com'],
    ['sharp s', 'strasse@example.com', 'straße@example.com'],
    ['a tag', 'anna@example.com', 'anna+x@example.com'],
  ])('by %s', (_, one, other) => {
    expect(canonicalEmail(other)).not.toBe(canonicalEmail(one));
  });
});

describe('refused', () => {
  it.each([
    ['full width letters', 'ａnna@example.com'],
    ['a ligature', 'ﬁnn@example.com'],
    ['the long s', 'ſam@example.com'],
    ['a zero width joiner', 'an\u200dna@example.com'],
    ['a soft hyphen', 'an\u00adna@example.com'],
    ['a mark of direction', 'anna\u202e@example.com'],
    ['CRLF', 'anna@example.com\r\nbcc: x@example.com'],
    ['a line break at the end', 'anna@example.com\n'],
    ['NUL', 'anna\0@example.com'],
    ['a space inside', 'an na@example.com'],
    ['a quoted local part', '"anna"@example.com'],
    ['a trailing dot', 'anna@example.com.'],
    ['a dot at the edge', '.anna@example.com'],
    ['two dots', 'an..na@example.com'],
    ['no local part', '@example.com'],
    ['no domain', 'anna@'],
    ['no at', 'anna.example.com'],
    ['an address as domain', 'anna@[127.0.0.1]'],
    ['a comment', 'anna(x)@example.com'],
    ['two addresses', 'anna@example.com,eve@example.com'],
    ['a local part of 65', `${'a'.repeat(65)}@example.com`],
    ['more than 254', `anna@${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(70)}.com`],
    ['a lone surrogate', 'ann\ud800@example.com'],
    ['nothing', ''],
  ])('%s', (_, given) => {
    expect(canonicalEmail(given)).toBeUndefined();
  });
});
