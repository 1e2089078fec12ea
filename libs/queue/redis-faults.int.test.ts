import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openQueueConnection, type QueueConnection } from '#queue/connection.ts';
import { consume, type RunningConsumer } from '#queue/consumer.ts';
import { openProducer, type Producer } from '#queue/producer.ts';
import { openQueueReader } from '#queue/reader.ts';
import { declareSchedules } from '#queue/schedules.ts';
import { freePort } from '#runtime/free-port.ts';
import { openLog, type Log } from '#runtime/log.ts';
import type { RedisServer } from '#testing/redis-server.ts';
import { numbered } from '#testing/queue-worker.ts';
import { hasRedis, startRedis } from '#testing/redis.ts';

const silent = openLog({ name: 'test', level: 'silent' });
const contract = numbered('numbers');

describe.skipIf(!hasRedis())('the queue on a Redis that fails', () => {
  it('fails fast on a Redis that was never there', async () => {
    const producer = produce(`redis://127.0.0.1:${await freePort()}`);
    const startedMs = Date.now();
    for (let ring = 0; ring < 5; ring += 1) {
      await expectUnavailable(() => producer.ring(contract, { id: ring }), 1_200);
      await sleep(100);
    }
    expect(Date.now() - startedMs).toBeLessThan(3_000);
  });

  it('fails in time on a Redis that is frozen, adds when it wakes, and lets a worker go on', async () => {
    const server = await ownRedis();
    const producer = produce(server.url);
    const done: number[] = [];
    const consumer = work(server.url, async ({ id }) => void done.push(id));
    await producer.ring(contract, { id: 1 });
    await vi.waitFor(() => expect(done).toEqual([1]), 5_000);
    server.signal('SIGSTOP');
    await Promise.all(
      Array.from({ length: 300 }, () => expectUnavailable(() => producer.ring(contract, { id: 2 }), 1_500)),
    );
    await expectUnavailable(() => producer.ring(contract, { id: 3 }), 1_500);
    await vi.waitFor(() => expect(consumer.isHealthy()).toBe(false), 12_000);
    server.signal('SIGCONT');
    await vi.waitFor(() => producer.ring(contract, { id: 4 }), 5_000);
    await vi.waitFor(() => expect(done).toContain(4), 5_000);
    await vi.waitFor(() => expect(consumer.isHealthy()).toBe(true), 5_000);
  });

  it('makes no hot loop of errors on a Redis that is full, and drains it when there is room again', async () => {
    const server = await ownRedis();
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const producer = produce(server.url);
    await producer.ringMany(
      contract,
      Array.from({ length: 50 }, (_, id) => ({ id })),
    );
    const reader = openQueueReader(connect(server.url, 'producer'), { deadlineMs: 2_000 });
    expect(await reader.pressure()).toBeUndefined();
    await admin.config('SET', 'maxmemory', '1mb');
    expect(await reader.pressure()).toBeGreaterThan(0.7);
    await expectUnavailable(() => producer.ring(contract, { id: 99 }), 1_500);
    await expectUnavailable(() => producer.ringMany(contract, [{ id: 98 }, { id: 99 }]), 1_500);

    const done: number[] = [];
    const before = await errorRepliesOf(admin);
    work(server.url, async ({ id }) => void done.push(id));
    await sleep(3_000);
    const errorsPerSecond = ((await errorRepliesOf(admin)) - before) / 3;
    expect(errorsPerSecond).toBeGreaterThan(0);
    expect(errorsPerSecond).toBeLessThan(10);
    expect(done).toEqual([]);
    await admin.config('SET', 'maxmemory', '0');
    await vi.waitFor(() => expect(done).toHaveLength(50), 5_000);
  });

  it('stops in time while Redis is gone, and leaves no connection behind when it comes back', async () => {
    const server = await ownRedis();
    const connection = openQueueConnection(server.url, { role: 'worker', log: silent });
    const consumer = consume(contract, async () => undefined).start(connection, { concurrency: 1, log: silent });
    await vi.waitFor(() => expect(consumer.isHealthy()).toBe(true), 5_000);
    server.signal('SIGKILL');
    await server.ended();
    await sleep(1_000);
    const startedMs = Date.now();
    await consumer.close();
    await connection.close();
    expect(Date.now() - startedMs).toBeLessThan(2_000);
    await server.restart();
    await sleep(1_500);
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    expect(String(await admin.client('LIST')).match(/name=\S+/g)).toBeNull();
  });

  it('tells that Redis was wiped, and can be told the schedules again', async () => {
    const server = await ownRedis();
    const scheduled = { ...contract, schedules: [{ id: 'yearly', pattern: '0 0 0 1 1 *', data: { id: 1 } }] };
    const connection = connect(server.url, 'producer');
    const reader = openQueueReader(connection, { deadlineMs: 2_000 });
    await reader.markWhole();
    expect(await declareSchedules(connection, [scheduled])).toEqual({ put: 1, removed: 0 });
    expect(await reader.wasWiped()).toBe(false);
    server.signal('SIGKILL');
    await server.ended();
    await expect(reader.wasWiped()).rejects.toMatchObject({ code: 'queue-unavailable' });
    await server.restart();
    expect(await vi.waitFor(() => reader.wasWiped(), 5_000)).toBe(true);
    expect(await declareSchedules(connection, [scheduled])).toEqual({ put: 1, removed: 0 });
  });

  it('tells that Redis has started anew, although it has its file: the last jobs may not be in there', async () => {
    const server = await ownRedis({ appendonly: 'yes', appendfsync: 'everysec' });
    const reader = openQueueReader(connect(server.url, 'producer'), { deadlineMs: 2_000 });
    expect(await vi.waitFor(() => reader.wasWiped(), 5_000)).toBe(true);
    await reader.markWhole();
    expect(await reader.wasWiped()).toBe(false);
    server.signal('SIGKILL');
    await server.ended();
    await server.restart();
    expect(await vi.waitFor(() => reader.wasWiped(), 5_000)).toBe(true);
    await reader.markWhole();
    expect(await reader.wasWiped()).toBe(false);
  });

  it('warns when a worker starts on a Redis that may drop or lose jobs', async () => {
    const server = await ownRedis({ 'maxmemory-policy': 'allkeys-lru' });
    const lines: string[] = [];
    const log = openLog({ name: 'test', destination: { write: (line: string) => void lines.push(line) } });
    connect(server.url, 'worker', log);
    await vi.waitFor(() => expect(lines).toHaveLength(2), 5_000);
    expect(lines[0]).toContain('maxmemory-policy is allkeys-lru');
    expect(lines[1]).toContain('persistence is off');
  });
});

async function ownRedis(settings: Record<string, string> = {}): Promise<RedisServer> {
  const server = await startRedis(settings);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function errorRepliesOf(redis: Redis): Promise<number> {
  return Number(/total_error_replies:(\d+)/.exec(await redis.info('stats'))?.[1]);
}

function connect(url: string, role: 'producer' | 'worker', log: Log = silent): QueueConnection {
  const connection = openQueueConnection(url, { role, log });
  onTestFinished(() => connection.close());
  return connection;
}

function produce(url: string): Producer {
  return openProducer(connect(url, 'producer'), { deadlineMs: 1_000 });
}

function work(url: string, job: Parameters<typeof consume<string, { id: number }>>[1]): RunningConsumer {
  const consumer = consume(contract, job).start(connect(url, 'worker'), { concurrency: 1, log: silent });
  onTestFinished(() => consumer.close(1_000));
  return consumer;
}

async function expectUnavailable(act: () => Promise<void>, limitMs: number): Promise<void> {
  const startedMs = Date.now();
  await expect(act()).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect(Date.now() - startedMs).toBeLessThan(limitMs);
}
