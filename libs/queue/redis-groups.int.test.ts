import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openQueueConnection, type QueueConnection } from '#queue/connection.ts';
import { consume } from '#queue/consumer.ts';
import { openProducer } from '#queue/producer.ts';
import { openQueueReader } from '#queue/reader.ts';
import { declareSchedules } from '#queue/schedules.ts';
import { openLog } from '#runtime/log.ts';
import { makeCertificates } from '#testing/certificates.ts';
import { numbered } from '#testing/queue-worker.ts';
import { startRedisCluster, startSentinelGroup, startTlsRedis } from '#testing/redis-groups.ts';
import type { RedisGroup } from '#testing/sentinel-group.ts';
import { hasRedis } from '#testing/redis.ts';

const log = openLog({ name: 'test', level: 'silent' });
const contract = numbered('numbers');
const RESUMES_MS = 15_000;
/** A first connection may fail while the servers still agree on who is there. */
const STARTS_MS = 10_000;

function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

function connect(url: string, role: 'producer' | 'worker'): QueueConnection {
  const connection = openQueueConnection(url, { role, log });
  onTestFinished(() => connection.close());
  return connection;
}

async function connected(url: string, role: 'producer' | 'worker'): Promise<QueueConnection> {
  const connection = connect(url, role);
  await vi.waitFor(() => connection.ping(1_000), STARTS_MS);
  return connection;
}

/** A worker that notes what it did, and how to ring for it. */
async function openWork(url: string) {
  const producer = openProducer(await connected(url, 'producer'), { deadlineMs: 1_000 });
  const done: number[] = [];
  const consumer = consume(contract, ({ id }) => Promise.resolve(void done.push(id))).start(
    await connected(url, 'worker'),
    {
      concurrency: 4,
      log,
    },
  );
  onTestFinished(() => consumer.close(1_000));
  return { producer, consumer, done };
}

/** All that uses Redis for jobs, once. */
async function useQueue(url: string) {
  const scheduled = { ...contract, schedules: [{ id: 'yearly', pattern: '0 0 0 1 1 *', data: { id: 1 } }] };
  const connection = await connected(url, 'producer');
  const reader = openQueueReader(connection, { deadlineMs: 2_000 });
  await reader.markWhole();
  expect(await reader.wasWiped()).toBe(false);
  expect(await reader.pressure()).toBeUndefined();
  expect(await declareSchedules(connection, [scheduled])).toEqual({ put: 1, removed: 0 });
  expect(await declareSchedules(connection, [scheduled])).toEqual({ put: 0, removed: 0 });
  const work = await openWork(url);
  const { producer, done } = work;
  await producer.ring(contract, { id: 1 });
  await producer.ringMany(contract, [{ id: 2 }, { id: 3 }]);
  await vi.waitFor(() => expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3]), STARTS_MS);
  expect(await reader.depth(contract)).toMatchObject({ waiting: 0, active: 0, delayed: 1, failed: 0 });
  return work;
}

describe.skipIf(!hasRedis())('the queue on a Redis', () => {
  it('with TLS works with the authority and the certificate that the URL names, and not without', async () => {
    const certificates = makeCertificates(['redis.internal']);
    const { url, server } = await startTlsRedis(certificates);
    closing(server);
    const { ca, cert, key } = certificates;
    await useQueue(`${url}?ca=${ca}&servername=redis.internal&cert=${cert}&key=${key}`);
    for (const wrong of [
      `servername=redis.internal&cert=${cert}&key=${key}`,
      `ca=${ca}&servername=other.internal&cert=${cert}&key=${key}`,
      `ca=${ca}&cert=${cert}&key=${key}`,
      `ca=${ca}&servername=redis.internal`,
    ]) {
      await expect(connect(`${url}?${wrong}`, 'producer').ping(1_000)).rejects.toMatchObject({
        code: 'queue-unavailable',
      });
    }
  });

  it.each<[string, () => Promise<RedisGroup>]>([
    ['that Sentinels watch', startSentinelGroup],
    ['cluster', () => startRedisCluster({ replicaFor: contract.name })],
  ])('%s works, and goes on within 15 s when the master is killed', { timeout: 60_000 }, async (_, start) => {
    const group = closing(await start());
    const { producer, consumer, done } = await useQueue(group.url);
    const master = await group.masterOf(contract.name);
    // Time for the replicas: what a master takes and dies at once is lost with it.
    await sleep(300);
    master.signal('SIGKILL');
    const killedAtMs = Date.now();
    let refused = 0;
    for (let id = 11; !done.some((doneId) => doneId > 10); id += 1) {
      expect(Date.now() - killedAtMs).toBeLessThan(RESUMES_MS);
      await producer.ring(contract, { id }).catch(() => {
        refused += 1;
      });
      await sleep(100);
    }
    expect(refused).toBeGreaterThan(0);
    expect(consumer.isHealthy()).toBe(true);
  });
});
