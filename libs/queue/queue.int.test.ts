import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { openQueueConnection, type QueueConnection } from '#queue/connection.ts';
import { consume, type ConsumerOptions, type RunningConsumer, type Work } from '#queue/consumer.ts';
import type { QueueContract } from '#queue/contract.ts';
import { migrateQueue } from '#queue/migrate.ts';
import { openProducer, type Producer } from '#queue/producer.ts';
import { openQueueReader, type QueueReader } from '#queue/reader.ts';
import { declareSchedules } from '#queue/schedules.ts';
import { Failure } from '#runtime/failure.ts';
import { openLog } from '#runtime/log.ts';
import { openTestDatabase } from '#testing/database.ts';
import { openProxy } from '#testing/proxy.ts';
import { forkWorker, numbered, type Task, type Told } from '#testing/queue-worker.ts';
import { hasRedis, redisUrl } from '#testing/redis.ts';

const log = openLog({ name: 'test', level: 'silent' });

interface Store extends AsyncDisposable {
  url: string;
  ownerUrl: string;
}

const backends = [
  { name: 'PostgreSQL', isHere: () => true, open: openTestDatabase as () => Promise<Store> },
  {
    name: 'Redis',
    isHere: hasRedis,
    async open(): Promise<Store> {
      const url = await redisUrl();
      return { url, ownerUrl: url, [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  },
];

/** The job that is rung until both processes are up: one alone may be done with all others first. */
const WAKING = 1_000_000;

describe.each(backends)('the queue on $name', { concurrent: true }, ({ isHere, open }) => {
  describe.skipIf(!isHere())('with its store at hand', () => {
    let store: Store;

    beforeAll(async () => {
      store = await open();
    });
    afterAll(async () => {
      await store[Symbol.asyncDispose]();
    });

    async function newQueue(): Promise<QueueContract<string, Task>> {
      const contract = numbered(`test-${randomBytes(6).toString('hex')}`);
      await migrateQueue(store.url, [contract], { ownerUrl: store.ownerUrl });
      return contract;
    }

    it('gives each job that was rung to a worker, once', async ({ onTestFinished }) => {
      const { produce, work } = at(store.url, onTestFinished);
      const contract = await newQueue();
      const producer = produce();
      const done: number[] = [];
      work(contract, async ({ id }) => void done.push(id), { concurrency: 8 });
      await producer.ring(contract, { id: 0 });
      await producer.ringMany(
        contract,
        Array.from({ length: 500 }, (_, index) => ({ id: index + 1 })),
      );
      await vi.waitFor(() => expect(done.length).toBeGreaterThanOrEqual(501), 10_000);
      await sleep(300);
      expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 501 }, (_, index) => index));
    });

    it('refuses a payload that does not fit, and never works one that came another way', async ({ onTestFinished }) => {
      const { connect, produce, read, work } = at(store.url, onTestFinished);
      const contract = await newQueue();
      const producer = produce();
      await expect(producer.ring(contract, { id: 'x' } as never)).rejects.toMatchObject({ code: 'job-malformed' });
      const forger = openProducer(connect('producer'), { deadlineMs: 2_000 });
      await forger.ring({ ...contract, data: z.looseObject({ id: z.int() }), schedules: [] }, { id: 1, more: true });
      const calls: Task[] = [];
      work(contract, async (task) => void calls.push(task));
      await vi.waitFor(async () => expect((await read().depth(contract)).failed).toBe(1), 10_000);
      expect(calls).toEqual([]);
    });

    it('tries again what may succeed later, and gives up at once on what no retry can help', async ({
      onTestFinished,
    }) => {
      const { produce, read, work } = at(store.url, onTestFinished);
      const contract = await newQueue();
      const producer = produce();
      const tries = new Map<number, number>();
      work(contract, async ({ id }) => {
        tries.set(id, (tries.get(id) ?? 0) + 1);
        if (id === 1 && tries.get(1) === 1) throw new Failure('database-unavailable');
        if (id === 1 && tries.get(1) === 2) throw new TypeError('a bug');
        if (id === 2) throw new Failure('job-malformed');
      });
      await producer.ringMany(contract, [{ id: 1 }, { id: 2 }]);
      await vi.waitFor(async () => {
        expect(tries.get(1)).toBe(3);
        expect(await read().depth(contract)).toMatchObject({ waiting: 0, active: 0, delayed: 0, failed: 1 });
      }, 10_000);
      expect(tries.get(2)).toBe(1);
    });

    it('takes no job while it is paused from inside a job, and goes on when resumed', async ({ onTestFinished }) => {
      const { produce, work } = at(store.url, onTestFinished);
      const contract = await newQueue();
      const producer = produce();
      const done: number[] = [];
      const consumer: RunningConsumer = work(contract, async ({ id }) => {
        done.push(id);
        if (id === 0) consumer.pause();
      });
      await producer.ringMany(contract, [{ id: 0 }, { id: 1 }, { id: 2 }]);
      await vi.waitFor(() => expect(done).toEqual([0]), 5_000);
      await sleep(500);
      await producer.ring(contract, { id: 3 });
      await sleep(500);
      expect(done).toEqual([0]);
      expect(consumer.isHealthy()).toBe(true);
      consumer.resume();
      await vi.waitFor(() => expect(done).toEqual([0, 1, 2, 3]), 5_000);
    });

    it('hands a job back that does not end before the worker has to', async ({ onTestFinished }) => {
      const { produce, work } = at(store.url, onTestFinished);
      const contract = await newQueue();
      await produce().ring(contract, { id: 1 });
      let begun = 0;
      const consumer = work(contract, async (_, signal) => {
        begun += 1;
        await sleep(60_000, undefined, { signal });
      });
      await vi.waitFor(() => expect(begun).toBe(1), 5_000);
      const startedMs = Date.now();
      await consumer.close(1_500);
      expect(Date.now() - startedMs).toBeLessThan(2_500);
      const done: number[] = [];
      work(contract, async ({ id }) => void done.push(id));
      await vi.waitFor(() => expect(done).toEqual([1]), 3_000);
    });

    it('aborts a job that takes too long, gives up one that does not heed that, and tries both again', async ({
      onTestFinished,
    }) => {
      const { produce, work } = at(store.url, onTestFinished);
      const contract = { ...(await newQueue()), limitMs: 200 };
      const begun: number[] = [];
      const consumer = work(contract, async ({ id }, signal) => {
        begun.push(id);
        if (begun.filter((other) => other === id).length > 1) return;
        await sleep(60_000, undefined, id === 1 ? { signal } : { ref: false });
      });
      await produce().ringMany(contract, [{ id: 1 }, { id: 2 }]);
      await vi.waitFor(() => expect(consumer.done).toBe(2), 10_000);
      expect(begun.toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2]);
      expect(consumer.failed).toBe(2);
    });

    it('gives the job of a worker that was killed to another within 8 s, however often, and never fails it', async ({
      onTestFinished,
    }) => {
      const { produce, read, work } = at(store.url, onTestFinished);
      const contract = await newQueue();
      await produce().ring(contract, { id: 1 });
      for (let kill = 1; kill <= 2; kill += 1) {
        const child = forkWorker(store.url, contract.name, 60_000);
        await once(child, 'message');
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }
      const killedMs = Date.now();
      const done: number[] = [];
      work(contract, async ({ id }) => void done.push(id));
      await vi.waitFor(() => expect(done).toEqual([1]), 15_000);
      expect(Date.now() - killedMs).toBeLessThan(8_000);
      expect((await read().depth(contract)).failed).toBe(0);
    });

    it('loses no job when two processes share a queue and jobs fail now and then', async ({ onTestFinished }) => {
      const { produce, read } = at(store.url, onTestFinished);
      const contract = await newQueue();
      const children = [forkWorker(store.url, contract.name, 5), forkWorker(store.url, contract.name, 5)];
      onTestFinished(() => children.forEach((child) => child.kill('SIGKILL')));
      const done = new Set<number>();
      const busy = new Set<number>();
      children.forEach((child, index) =>
        child.on('message', ({ event, id }: Told) => {
          busy.add(index);
          if (event === 'done' && id !== WAKING) done.add(id);
        }),
      );
      const producer = produce();
      await vi.waitFor(async () => {
        await producer.ring(contract, { id: WAKING });
        expect(busy.size).toBe(2);
      }, 20_000);
      const tasks = Array.from({ length: 400 }, (_, id) => ({ id, failures: id % 10 === 0 ? 2 : 0 }));
      await producer.ringMany(contract, tasks);
      await vi.waitFor(() => expect(done.size).toBe(tasks.length), 20_000);
      await vi.waitFor(async () => {
        expect(await read().depth(contract)).toMatchObject({ waiting: 0, active: 0, delayed: 0, failed: 0 });
      }, 5_000);
    });

    it('keeps the declared schedules, touches none that is unchanged, and removes the others', async ({
      onTestFinished,
    }) => {
      const { connect, work } = at(store.url, onTestFinished);
      const plain = await newQueue();
      const each = (id: string, pattern: string, number = 1) => ({ id, pattern, data: { id: number } });
      const declare = (...schedules: ReturnType<typeof each>[]): Promise<unknown> =>
        declareSchedules(connect('producer'), [{ ...plain, schedules }]);
      const every = each('every', '* * * * * *');
      const old = each('old', '0 0 1 1 *');
      const [first, second] = await Promise.all([declare(every, old), declare(every, old)]);
      expect([first, second]).toContainEqual({ put: 2, removed: 0 });
      expect([first, second]).toContainEqual({ put: 0, removed: 0 });
      const done: number[] = [];
      work(plain, async ({ id }) => void done.push(id));
      await vi.waitFor(() => expect(done.length).toBeGreaterThanOrEqual(2), 5_000);
      expect(await declare(each('every', '* * * * * *', 2))).toEqual({ put: 1, removed: 1 });
      await vi.waitFor(() => expect(done).toContain(2), 5_000);
      expect(await declare(each('every', '* * * * * *', 2))).toEqual({ put: 0, removed: 0 });
    });

    it('tells how much waits and since when, and whether the store was wiped', async ({ onTestFinished }) => {
      const { produce, read } = at(store.url, onTestFinished);
      const contract = await newQueue();
      await produce().ringMany(contract, [{ id: 1 }, { id: 2 }]);
      const reader = read();
      await sleep(50);
      const depth = await reader.depth(contract);
      expect(depth).toMatchObject({ waiting: 2, active: 0, delayed: 0, failed: 0 });
      expect(depth.oldestWaitingMs).toBeGreaterThanOrEqual(50);
      expect(await reader.wasWiped()).toBe(true);
      await reader.markWhole();
      expect(await reader.wasWiped()).toBe(false);
    });
  });

  describe.skipIf(!isHere())('with its store away', () => {
    it('fails fast, and works again in both roles once the store is there', async ({ onTestFinished }) => {
      const store = await open();
      onTestFinished(() => store[Symbol.asyncDispose]());
      const proxy = await openProxy(store.url);
      onTestFinished(() => proxy[Symbol.asyncDispose]());
      const contract = numbered('outage');
      await migrateQueue(store.url, [contract], { ownerUrl: store.ownerUrl });
      await proxy.refuse();
      const { produce, work } = at(proxy.through(store.url), onTestFinished);
      const producer = produce();
      const done: number[] = [];
      const consumer = work(contract, async ({ id }) => void done.push(id));
      await expectUnavailable(() => producer.ring(contract, { id: 1 }), 1_500);
      await expectUnavailable(() => producer.ringMany(contract, [{ id: 1 }, { id: 2 }]), 1_500);
      expect(consumer.isHealthy()).toBe(false);
      await proxy.accept();
      await vi.waitFor(() => producer.ring(contract, { id: 3 }), 5_000);
      await vi.waitFor(() => expect(done).toEqual([3]), 5_000);
      expect(consumer.isHealthy()).toBe(true);

      await proxy.refuse();
      await expectUnavailable(() => producer.ring(contract, { id: 4 }), 1_500);
      await sleep(3_000);
      await proxy.accept();
      await vi.waitFor(() => producer.ring(contract, { id: 5 }), 5_000);
      await vi.waitFor(() => expect(done).toEqual([3, 5]), 10_000);

      await proxy.refuse();
      const startedMs = Date.now();
      await consumer.close();
      await producer.close();
      expect(Date.now() - startedMs).toBeLessThan(5_000);
    });

    it('does not hang on connections that are half open, and replaces a worker that sits on one', async ({
      onTestFinished,
    }) => {
      const store = await open();
      onTestFinished(() => store[Symbol.asyncDispose]());
      const proxy = await openProxy(store.url);
      onTestFinished(() => proxy[Symbol.asyncDispose]());
      const contract = numbered('half-open');
      await migrateQueue(store.url, [contract], { ownerUrl: store.ownerUrl });
      const { produce, work } = at(proxy.through(store.url), onTestFinished);
      const producer = produce();
      const done: number[] = [];
      work(contract, async ({ id }) => void done.push(id), { stuckMs: 2_000, watchMs: 500 });
      await producer.ring(contract, { id: 1 });
      await vi.waitFor(() => expect(done).toEqual([1]), 5_000);
      proxy.silence();
      await expectUnavailable(() => producer.ring(contract, { id: 2 }), 1_500);
      await vi.waitFor(() => producer.ring(contract, { id: 3 }), 10_000);
      await vi.waitFor(() => expect(done).toContain(3), 12_000);
    });
  });
});

type Defer = (close: () => Promise<void>) => void;

interface Session {
  connect: (role: 'producer' | 'worker') => QueueConnection;
  produce: () => Producer;
  read: () => QueueReader;
  work: <Data>(
    contract: QueueContract<string, Data>,
    job: Work<Data>,
    options?: Partial<ConsumerOptions>,
  ) => RunningConsumer;
}

function at(url: string, onTestFinished: Defer): Session {
  const connect: Session['connect'] = (role) => {
    const connection = openQueueConnection(url, { role, log, consumers: 1 });
    onTestFinished(() => connection.close());
    return connection;
  };
  return {
    connect,
    produce: () => openProducer(connect('producer'), { deadlineMs: 1_000 }),
    read: () => openQueueReader(connect('producer'), { deadlineMs: 2_000 }),
    work(contract, job, options = {}) {
      const consumer = consume(contract, job).start(connect('worker'), { concurrency: 1, log, ...options });
      onTestFinished(() => consumer.close(1_000));
      return consumer;
    },
  };
}

async function expectUnavailable(act: () => Promise<void>, limitMs: number): Promise<void> {
  const startedMs = Date.now();
  await expect(act()).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect(Date.now() - startedMs).toBeLessThan(limitMs);
}
