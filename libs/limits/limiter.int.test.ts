import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDelays } from '#limits/delays.ts';
import { openLimiter, type Limiter, type LimiterOptions, type Policy } from '#limits/limiter.ts';
import { openRedis, whenReady } from '#redis/client.ts';
import { startRedisCluster } from '#testing/redis-groups.ts';
import { hasRedis, redisUrl, startRedis } from '#testing/redis.ts';

const policy: Policy = { name: 'test', points: 5, windowSeconds: 60 };
const strict: Policy = { ...policy, name: 'strict', isStrict: true };
const DECISION_MS = 50;
/** For tests of what a healthy Redis does, however busy the machine is. */
const patient = { deadlineMs: 5_000 };

interface Opened {
  limiter: Limiter;
  away: boolean[];
}

async function openOn(url: string, options: Partial<LimiterOptions> = {}): Promise<Opened> {
  const redis = openRedis(url, { role: 'limits', name: 'test', onError: () => undefined });
  onTestFinished(() => redis.disconnect());
  await whenReady(redis);
  const away: boolean[] = [];
  const limiter = openLimiter({ redis, onAway: (isAway) => away.push(isAway), ...options });
  onTestFinished(() => limiter[Symbol.dispose]());
  return { limiter, away };
}

function clientOf(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function allowed(limiter: Limiter, times: number, of = policy, key = 'key'): Promise<number> {
  const decisions = await Promise.all(Array.from({ length: times }, async () => limiter.consume(of, key)));
  return decisions.filter((decision) => decision.allowed).length;
}

async function timed<T>(work: () => Promise<T>): Promise<{ tookMs: number; result: T }> {
  const startedMs = performance.now();
  const result = await work();
  return { tookMs: performance.now() - startedMs, result };
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition() && tries < 200; tries += 1) await sleep(25);
  expect(condition()).toBe(true);
}

describe.skipIf(!hasRedis())('a limiter on Redis', () => {
  it('gives out the points of a key once, over all processes', async () => {
    const url = await redisUrl();
    const [one, two] = [await openOn(url, patient), await openOn(url, patient)];
    const counts = await Promise.all([allowed(one.limiter, 50), allowed(two.limiter, 50)]);
    expect(counts[0] + counts[1]).toBe(5);
    expect((await one.limiter.peek(policy, 'key')).allowed).toBe(false);
    expect([...one.away, ...two.away]).toEqual([]);
  });

  it('gives out a large quota nearly whole and never more than that, asking for a few points at a time', async () => {
    const url = await redisUrl();
    const redis = clientOf(url);
    const [one, two] = [await openOn(url, patient), await openOn(url, patient)];
    const large: Policy = { name: 'large', points: 2_000, windowSeconds: 60 };
    let through = 0;
    for (let round = 0; round < 30; round += 1) {
      through += await allowed(one.limiter, 50, large);
      through += await allowed(two.limiter, 50, large);
    }
    expect(through).toBeLessThanOrEqual(2_000);
    expect(through).toBeGreaterThan(1_800);
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1];
    expect(Number(calls)).toBeGreaterThan(0);
  });

  it('counts failures that delay one by one, whichever process sees them', async () => {
    const url = await redisUrl();
    const rules = { name: 'delay', free: 20, baseSeconds: 60, capSeconds: 900, memorySeconds: 3_600 };
    const one = openDelays((await openOn(url, patient)).limiter, rules);
    const two = openDelays((await openOn(url, patient)).limiter, rules);
    for (let time = 0; time < 10; time += 1) {
      await one.failed('key');
      await two.failed('key');
    }
    expect(await one.waitSeconds('key')).toBe(0);
    await two.failed('key');
    expect(await one.waitSeconds('key')).toBe(60);
  });

  it('takes what a request costs', async () => {
    const { limiter } = await openOn(await redisUrl(), patient);
    expect(await limiter.consume(policy, 'key', 3)).toMatchObject({ allowed: true, used: 3, remaining: 2 });
    expect(await limiter.consume(policy, 'key', 3)).toMatchObject({ allowed: false, remaining: 0 });
  });

  it('keeps nothing in Redis but hashes of one length, each with an end', async () => {
    const url = await redisUrl();
    const { limiter } = await openOn(url, {
      ...patient,
      hide: (key) => Buffer.from(key).toString('hex').slice(0, 8).padEnd(8, '0'),
    });
    await limiter.consume(policy, '203.0.113.9/32');
    await limiter.consume(policy, `${'a'.repeat(5_000)}@example.com`);
    const redis = clientOf(url);
    const keys = await redis.keys('*');
    expect(keys.map((key) => key.length)).toEqual([19, 19]);
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(0);
  });

  it('takes back what was given, and gives nothing for a window that was flushed away', async () => {
    const url = await redisUrl();
    const { limiter } = await openOn(url, patient);
    const decision = await limiter.consume(policy, 'key');
    await limiter.refund(policy, 'key', decision);
    expect(await limiter.peek(policy, 'key')).toMatchObject({ used: 0 });
    await clientOf(url).flushdb();
    await limiter.refund(policy, 'key', decision);
    expect(await allowed(limiter, 10)).toBe(5);
  });

  it('refuses a blocked key on every process, for so long', async () => {
    const url = await redisUrl();
    const [one, two] = [await openOn(url, patient), await openOn(url, patient)];
    await one.limiter.block(policy, 'key', 1);
    expect(await two.limiter.peek(policy, 'key')).toMatchObject({ allowed: false, resetSeconds: 1 });
    await sleep(1_100);
    expect(await two.limiter.peek(policy, 'key')).toMatchObject({ allowed: true });
  });
});

describe.skipIf(!hasRedis())('a limiter whose Redis', () => {
  it.each([
    ['SIGSTOP', 'Redis took longer than a decision may wait'],
    ['SIGKILL', 'Redis is not connected'],
  ] as const)('is lost by %s says whether it is slow or gone', async (signal, reason) => {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const reasons: unknown[] = [];
    const { limiter } = await openOn(server.url, { onAway: (_isAway, error) => reasons.push(error) });
    server.signal(signal);
    if (signal === 'SIGKILL') await server.ended();
    await sleep(100);
    await limiter.consume(strict, 'key');
    expect(reasons).toEqual([new Error(reason)]);
  });

  it('freezes decides within 50 ms by its own counters, and by its share where it must be strict', async () => {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const { limiter, away } = await openOn(server.url);
    await limiter.consume(policy, 'key');
    server.signal('SIGSTOP');
    const first = await timed(async () => limiter.consume(strict, 'key'));
    expect(first.tookMs).toBeLessThan(DECISION_MS);
    expect(first.result).toMatchObject({ allowed: true, isLocal: true });
    const later = await timed(() => allowed(limiter, 100, strict));
    expect(later.tookMs).toBeLessThan(DECISION_MS);
    // Half of five, rounded up, of which one was taken before.
    expect(later.result).toBe(2);
    expect(await allowed(limiter, 100)).toBe(5);
    expect(away).toEqual([true]);
  });

  it('freezes under a hundred requests at once answers all of them within 50 ms, and lets no more through than there are points', async () => {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const { limiter } = await openOn(server.url);
    await limiter.consume(policy, 'other');
    server.signal('SIGSTOP');
    const { tookMs, result } = await timed(() => allowed(limiter, 100));
    expect(tookMs).toBeLessThan(2 * DECISION_MS);
    expect(result).toBe(5);
  });

  it('thaws is asked again, and each request has been counted there once at most', async () => {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const { limiter, away } = await openOn(server.url);
    await limiter.consume(policy, 'key');
    server.signal('SIGSTOP');
    expect(await allowed(limiter, 3)).toBe(3);
    await sleep(1_500);
    server.signal('SIGCONT');
    await until(() => away.at(-1) === false);
    await sleep(200);
    // One before, and of the three those that were on their way when it froze.
    const state = await limiter.peek(policy, 'key');
    expect(state.isLocal).toBe(false);
    expect(state.used).toBeGreaterThanOrEqual(1);
    expect(state.used).toBeLessThanOrEqual(4);
  });

  it('is killed and comes back empty stays limited: what was refused meanwhile is refused on', async () => {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const { limiter, away } = await openOn(server.url);
    await limiter.consume(policy, 'key');
    server.signal('SIGKILL');
    await server.ended();
    const during = await timed(() => allowed(limiter, 20));
    expect(during.tookMs).toBeLessThan(DECISION_MS);
    expect(during.result).toBeLessThanOrEqual(5);
    await server.restart();
    await until(() => away.at(-1) === false);
    expect(await allowed(limiter, 20)).toBe(0);
    const decision = await limiter.consume(policy, 'another');
    expect(decision).toMatchObject({ allowed: true, isLocal: false, used: 1 });
    expect(away).toEqual([true, false]);
  });

  it('is killed in the middle of a run lets through what two windows have, at most', async () => {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const { limiter } = await openOn(server.url);
    const quota: Policy = { name: 'run', points: 50, windowSeconds: 60, isStrict: true };
    let through = 0;
    const run = async (requests: number): Promise<void> => {
      for (let n = 0; n < requests; n += 1) {
        const { tookMs, result } = await timed(async () => limiter.consume(quota, 'key'));
        expect(tookMs).toBeLessThan(2 * DECISION_MS);
        if (result.allowed) through += 1;
      }
    };
    const running = run(3_000);
    await sleep(5);
    server.signal('SIGKILL');
    await running;
    expect(through).toBeGreaterThanOrEqual(25);
    expect(through).toBeLessThanOrEqual(75);
  });

  it('is flushed in the middle of an attack gives out its points once more, and no more than that', async () => {
    const url = await redisUrl();
    const { limiter } = await openOn(url, patient);
    expect(await allowed(limiter, 20)).toBe(5);
    await clientOf(url).flushdb();
    await sleep(1_100);
    expect(await allowed(limiter, 20)).toBe(5);
  });

  it('is full is done without until it takes writes again', async () => {
    const server = await startRedis({ maxmemory: '64mb', 'maxmemory-policy': 'noeviction' });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const { limiter, away } = await openOn(server.url, patient);
    const redis = clientOf(server.url);
    await redis.set('ballast', 'x'.repeat(4 * 1024 * 1024));
    await redis.config('SET', 'maxmemory', '1mb');
    expect(await allowed(limiter, 20)).toBeLessThanOrEqual(10);
    expect(away[0]).toBe(true);
    await sleep(300);
    expect(away).toEqual([true]);
    await redis.config('SET', 'maxmemory', '64mb');
    await until(() => away.at(-1) === false);
  });

  it('counts each key once in a cluster, however the keys are spread, and says when a part of it is away', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster[Symbol.asyncDispose]());
    const [one, two] = [await openOn(cluster.url, patient), await openOn(cluster.url, patient)];
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`);
    const counts = await Promise.all(
      keys.flatMap((key) => [one, two].map(({ limiter }) => allowed(limiter, 6, policy, key))),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5 * keys.length);
    await one.limiter.block(policy, 'blocked', 60);
    expect((await two.limiter.peek(policy, 'blocked')).allowed).toBe(false);
    expect([...one.away, ...two.away]).toEqual([]);
    (await cluster.masterOf('any')).signal('SIGKILL');
    await until(() => {
      for (const key of keys) void one.limiter.consume(policy, `${key} later`);
      return one.away[0] === true;
    });
    await sleep(500);
    expect(one.away).toEqual([true]);
  });
});
