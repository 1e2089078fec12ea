import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasRedis, redisUrl, startRedis } from '#testing/redis.ts';

const once = { maxRetriesPerRequest: 0, retryStrategy: () => null, lazyConnect: true };

describe.skipIf(!hasRedis())('the Redis of the tests', () => {
  it('gives each test an empty database of its own', async () => {
    const [one, two] = [new Redis(await redisUrl()), new Redis(await redisUrl())];
    await one.set('key', 'value');
    expect(await two.get('key')).toBeNull();
    one.disconnect();
    two.disconnect();
  });

  it('takes settings, and keeps nothing over a restart by default', async () => {
    const server = await startRedis({ maxmemory: '8mb' });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const redis = new Redis(server.url);
    expect(await redis.config('GET', 'maxmemory')).toEqual(['maxmemory', String(8 * 1024 * 1024)]);
    await redis.set('key', 'value');
    redis.disconnect();
    server.signal('SIGKILL');
    await server.ended();
    const away = new Redis(server.url, once);
    away.on('error', () => undefined);
    await expect(away.connect()).rejects.toThrow('closed');
    await server.restart();
    const again = new Redis(server.url);
    expect(await again.get('key')).toBeNull();
    again.disconnect();
  });

  it('stops although it is frozen', async () => {
    const server = await startRedis();
    onTestFinished(() => server[Symbol.asyncDispose]());
    server.signal('SIGSTOP');
    await server.stop();
    const away = new Redis(server.url, once);
    away.on('error', () => undefined);
    await expect(away.connect()).rejects.toThrow('closed');
  });
});
