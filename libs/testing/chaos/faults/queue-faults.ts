import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '#testing/chaos/fault.ts';
import { wipeQueue } from '#testing/chaos/wipe-queue.ts';
import { runCommand } from '#testing/redis-command.ts';

/** What holds the queue is away, empty, frozen or full. */
export const queueFaults: readonly Fault[] = [
  {
    id: 'F3',
    title: 'kill -9 of Redis, and back',
    backend: 'redis',
    mark: { what: 'drained', ms: 10_000 },
    async strike({ system: { redis }, seconds }) {
      redis?.signal('SIGKILL');
      await redis?.ended();
      await sleep(seconds * 250);
      await redis?.restart();
    },
  },
  {
    id: 'F3',
    title: 'Redis replaced by an empty one',
    backend: 'redis',
    mark: { what: 'resumed', ms: 3_000 },
    strike: async ({ system }) => system.redis?.replace(),
  },
  {
    id: 'F4',
    title: 'the queue wiped',
    mark: { what: 'resumed', ms: 3_000 },
    async strike({ system, landed }) {
      if (system.backend === 'postgres') await wipeQueue(system.pool);
      else await runCommand(system.queueUrl, 'FLUSHALL');
      landed();
    },
  },
  {
    id: 'F5',
    title: 'Redis frozen',
    backend: 'redis',
    async strike({ system: { redis }, seconds }) {
      redis?.signal('SIGSTOP');
      await sleep(seconds * 1_000);
      redis?.signal('SIGCONT');
    },
  },
  {
    id: 'F5',
    title: 'the queue locked',
    backend: 'postgres',
    async strike({ system, seconds }) {
      const client = await system.pool.connect();
      try {
        await client.query('begin; lock table bullmq.job in access exclusive mode');
        await sleep(seconds * 1_000);
        await client.query('rollback');
      } finally {
        client.release();
      }
    },
  },
  {
    id: 'F6',
    title: 'Redis full',
    backend: 'redis',
    async strike({ system: { redis }, seconds }) {
      if (redis === undefined) return;
      await runCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '1');
      await sleep(seconds * 1_000);
      await runCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '0');
    },
  },
  {
    id: 'F7',
    title: 'kill -9 of the Redis that the Sentinels call master',
    backend: 'sentinel',
    mark: { what: 'resumed', ms: 15_000 },
    async strike({ system: { sentinel }, seconds }) {
      const master = await sentinel?.masterOf('any');
      master?.signal('SIGKILL');
      await master?.ended();
      await sleep(seconds * 1_000);
      await master?.restart();
    },
  },
];
