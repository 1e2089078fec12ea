import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { cookieOf, REFRESH_COOKIE } from './cookies.ts';

const valueIn = (cookie: string | undefined): string | undefined =>
  cookieOf({ headers: { cookie } } as Request, REFRESH_COOKIE);

describe('the value of a cookie', () => {
  it.each([
    ['alone', '__Host-refresh=v1.a', 'v1.a'],
    ['among others', 'a=1; __Host-refresh=v1.a; b=2', 'v1.a'],
    ['without spaces', 'a=1;__Host-refresh=v1.a;b=2', 'v1.a'],
    ['with more of them', 'a=1; \t __Host-refresh=v1.a \t; b=2', 'v1.a'],
    ['behind nothing but spaces', ` \t ;${' '.repeat(8_000)}a; __Host-refresh=v1.a`, 'v1.a'],
    ['with a sign of its own', '__Host-refresh=a=b==', 'a=b=='],
  ])('is found: %s', (_, cookie, value) => {
    expect(valueIn(cookie)).toBe(value);
  });

  it.each([
    ['no header', undefined],
    ['none of the name', 'a=1'],
    ['an empty one', '__Host-refresh='],
    ['the name without a value', '__Host-refresh'],
    ['two', '__Host-refresh=a; __Host-refresh=b'],
    ['in other letters', '__host-refresh=a'],
    ['behind another name', 'x__Host-refresh=a'],
    ['a longer name', '__Host-refresh2=a'],
    ['a space behind the name', '__Host-refresh =a'],
  ])('is none: %s', (_, cookie) => {
    expect(valueIn(cookie)).toBeUndefined();
  });

  // Browsers guard names that begin with the prefix. Node gives us each byte as a character; some are white space to JavaScript.
  it.each(['\u{a0}', '\u{b}', '\u{c}', '\u{85}', '\u{feff}', '\u{2000}'])(
    'is not that of a sibling domain, whose name begins with %j',
    (space) => {
      expect(valueIn(`${space}__Host-refresh=tossed`)).toBeUndefined();
      expect(valueIn(`a=1; ${space}__Host-refresh=tossed`)).toBeUndefined();
      expect(valueIn(`__Host-refresh=own; ${space}__Host-refresh=tossed`)).toBe('own');
    },
  );
});
