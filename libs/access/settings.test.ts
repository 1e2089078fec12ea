import { describe, expect, it } from 'vitest';
import { readConfig } from '#runtime/config.ts';
import { accessSettings } from '#access/settings.ts';

const SECRETS = {
  SESSION_SECRET: 'k2J8sQ0vX4mZ7pR1tY6wB3nC9dF5gH0a',
  CSRF_SECRET: 'q9W3eR7tY1uI5oP8aS2dF6gH4jK0lZ3x',
};
const read = (more: Record<string, string>) => readConfig(accessSettings, { ...SECRETS, ...more });

describe('lifetimes per role', () => {
  it('have the defaults that the documentation names', () => {
    expect(read({})).toMatchObject({
      SESSION_IDLE: { user: 1_209_600, agent: 43_200, admin: 3_600 },
      SESSION_ABSOLUTE: { user: 2_592_000, agent: 604_800, admin: 86_400 },
    });
  });

  it.each([
    ['12h', { user: 43_200, agent: 43_200, admin: 43_200 }],
    ['600', { user: 600, agent: 600, admin: 600 }],
    ['admin:15m', { user: 1_209_600, agent: 43_200, admin: 900 }],
    ['user:2d,agent:3h,admin:60', { user: 172_800, agent: 10_800, admin: 60 }],
  ])('read %s', (text, seconds) => {
    expect(read({ SESSION_IDLE: text }).SESSION_IDLE).toEqual(seconds);
  });

  it.each([['0'], ['59'], ['10y'], ['root:1h'], ['user:'], ['user'], ['400d'], ['-1h'], ['1h;2h']])(
    'refuse %s',
    (text) => {
      expect(() => read({ SESSION_IDLE: text })).toThrow(/SESSION_IDLE: must be a time/);
    },
  );
});

describe('secrets', () => {
  it.each([
    ['too short', 'k2J8sQ0vX4mZ7pR1tY6w'],
    ['well-known', 'secret-secret-secret-secret-secret'],
    ['repeating', 'abcdabcdabcdabcdabcdabcdabcdabcd'],
    ['twice the same', `${SECRETS.SESSION_SECRET},${SECRETS.SESSION_SECRET}`],
    ['that of another setting', SECRETS.CSRF_SECRET],
    ['with an empty second', `${SECRETS.SESSION_SECRET},`],
  ])('%s stop the start', (_, SESSION_SECRET) => {
    expect(() => read({ SESSION_SECRET })).toThrow(/SESSION_SECRET|CSRF_SECRET/);
  });

  it('are required', () => {
    expect(() => readConfig(accessSettings, {})).toThrow(
      /SESSION_SECRET: required[\s\S]*CSRF_SECRET: required|CSRF_SECRET: required[\s\S]*SESSION_SECRET: required/,
    );
  });
});
