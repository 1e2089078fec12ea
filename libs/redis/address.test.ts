import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isRedisUrl, readRedisUrl } from '#redis/address.ts';

const directory = mkdtempSync(join(tmpdir(), 'redis-address-'));
const pem = join(directory, 'ca.pem');
writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n');
afterAll(() => rmSync(directory, { recursive: true }));

const plain = { username: undefined, password: undefined, tls: undefined };

describe('the URL of a Redis', () => {
  it.each<[string, object]>([
    ['redis://cache', { kind: 'server', ...plain, host: 'cache', port: 6_379, database: 0 }],
    [
      'redis://:p%40ss:word@[::1]:7000/3',
      { kind: 'server', ...plain, password: 'p@ss:word', host: '::1', port: 7_000, database: 3 },
    ],
    [
      'redis://me:a@b@cache',
      { kind: 'server', ...plain, username: 'me', password: 'a@b', host: 'cache', port: 6_379, database: 0 },
    ],
    [
      'redis+sentinel://:pw@one,two:26380/main/2?sentinelPassword=other',
      {
        ...plain,
        kind: 'sentinel',
        password: 'pw',
        sentinels: [
          { host: 'one', port: 26_379 },
          { host: 'two', port: 26_380 },
        ],
        master: 'main',
        database: 2,
        sentinelUsername: undefined,
        sentinelPassword: 'other',
      },
    ],
    [
      'redis+cluster://one,two:7001',
      {
        ...plain,
        kind: 'cluster',
        nodes: [
          { host: 'one', port: 6_379 },
          { host: 'two', port: 7_001 },
        ],
      },
    ],
  ])('%s says where it is', (url, expected) => {
    expect(isRedisUrl(url)).toBe(true);
    expect(readRedisUrl(url)).toEqual(expected);
  });

  it('names the files and the name for TLS', () => {
    expect(readRedisUrl(`rediss://cache?ca=${pem}&servername=redis.internal`).tls).toEqual({
      minVersion: 'TLSv1.2',
      ca: '-----BEGIN CERTIFICATE-----\n',
      servername: 'redis.internal',
    });
  });

  it.each([
    ['http://cache', /must be redis:\/\/host/],
    ['redis+elsewhere://cache', /must be redis:\/\/host/],
    ['redis://one,two', /several hosts need/],
    ['redis://cache:port', /host or host:port/],
    ['redis://cache/main', /by its number/],
    ['redis+sentinel://one,two', /must name the master/],
    ['redis+cluster://one/1', /no numbered databases/],
    ['redis://cache?ca=/tmp/ca.pem', /begin the URL with rediss/],
    ['rediss://cache?ca=/nonexistent.pem', /can't read the file that ca names/],
    [`rediss://cache?ca=${import.meta.filename}.none`, /can't read/],
    [`rediss://cache?cert=${pem}`, /both cert and key/],
    ['rediss://cache?sentinelPassword=x', /does not know the field sentinelPassword/],
    ['rediss://cache?family=6', /does not know the field family/],
  ])('%s is refused with what is wrong', (url, message) => {
    expect(() => readRedisUrl(url)).toThrow(message);
  });

  it('is told from others, whatever its form', () => {
    expect(['rediss+cluster://a', 'redis+anything://a'].map(isRedisUrl)).toEqual([true, true]);
    expect(isRedisUrl('postgres://a')).toBe(false);
  });
});
