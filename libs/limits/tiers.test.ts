import { describe, expect, it } from 'vitest';
import { limiterUrlOf, limitSettings } from '#limits/tiers.ts';
import { ConfigError, readConfig } from '#runtime/config.ts';

describe('LIMITS_PER_MINUTE', () => {
  const read = (value?: string) =>
    readConfig(limitSettings, value === undefined ? {} : { LIMITS_PER_MINUTE: value }).LIMITS_PER_MINUTE;

  it('changes the tiers that it names', () => {
    const tiers = read('user:10, source:60000');
    expect(tiers.user).toMatchObject({ name: 'user', points: 10, windowSeconds: 60 });
    expect(tiers.source).toMatchObject({ points: 60_000 });
    expect(tiers.admin).toEqual(read().admin);
  });

  it('leaves webhook sources without a quota by default', () => {
    expect(read().source).toBeUndefined();
    expect(read('source:0').source).toBeUndefined();
  });

  it.each([
    'user',
    'user:',
    'user:-1',
    'user:1e3',
    'guest:5',
    'user:0',
    'anonymous:0',
    'user:99999999',
    'user:5;admin:6',
  ])('refuses %j', (value) => {
    expect(() => read(value)).toThrow(ConfigError);
  });
});

describe('the Redis of the limits', () => {
  const [redis, other, postgres] = ['redis://a:1', 'rediss://b:2', 'postgres://c:3/d'];
  it.each([
    [{}, undefined],
    [{ QUEUE_URL: postgres }, undefined],
    [{ QUEUE_URL: redis }, redis],
    [{ QUEUE_URL: redis, REDIS_URL: other }, other],
    [{ REDIS_URL: other }, other],
  ])('of %j is %j', (config, expected) => {
    expect(limiterUrlOf(config)).toBe(expected);
  });
});
