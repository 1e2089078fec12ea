import { createRedisBackend, withBackend, type BackendFactory, type IQueueBackend } from 'bullmq';
import type { QueueConnection, QueueConnectionOptions } from '#queue/queue-connection.ts';
import { openErrorLog } from '#queue/error-log.ts';
import { paced, rest, workerSettings } from '#queue/paced-backend.ts';
import { queueFailure } from '#queue/queue-failure.ts';
import { openRedis, openWorkerRedis, whenReady } from '#redis/client.ts';
import { memoryRatioOf, runIdsOf } from '#redis/info.ts';
import { warningsOf } from '#redis/inspect.ts';
import { within } from '#runtime/deadline.ts';
import { newId } from '#runtime/id.ts';

const LOCK_MS = 30_000;
const LOCK_POLL_MS = 200;

export function openRedisConnection(url: string, { role, log }: QueueConnectionOptions): QueueConnection {
  const onError = openErrorLog(log, 'redis of the queue');
  const commands = openRedis(url, {
    role: role === 'producer' ? 'producer' : 'commands',
    name: `queue-${role}`,
    onError,
  });
  const ended = new AbortController();
  if (role === 'worker') commands.once('ready', () => void inspect());

  async function inspect(): Promise<void> {
    try {
      for (const warning of await warningsOf(commands)) log.warn(`redis of the queue: ${warning}`);
    } catch (error) {
      onError(error);
    }
  }

  // All keys of a queue must be in one slot of a cluster; those of different queues need not be.
  const prefixOf = (name: string) => (commands.isCluster ? { prefix: `{bull-${name}}` } : {});
  const factory = createRedisBackend as BackendFactory<IQueueBackend, unknown>;
  const { Queue } = withBackend(factory);

  return {
    backend: 'redis',

    async ping(limitMs) {
      await within(
        limitMs,
        whenReady(commands).then(() => commands.ping()),
        'queue-unavailable',
      ).catch((error: unknown) => {
        throw queueFailure(error);
      });
    },

    openQueue(name) {
      // Without both skips, a queue that was opened while Redis was away never works again.
      return new Queue(name, {
        connection: commands,
        ...prefixOf(name),
        skipWaitingForReady: true,
        skipVersionCheck: true,
      });
    },

    openWorker(name, process, { concurrency, pace }) {
      // A client of its own, so that a worker that is replaced leaves nothing stuck behind.
      const { redis, cut } = openWorkerRedis(url, { name: `worker-${name}`, onError });
      const { Worker } = withBackend<IQueueBackend, unknown>((...call) => paced(factory(...call), pace));
      const worker = new Worker(name, process, {
        ...workerSettings,
        ...prefixOf(name),
        connection: redis,
        concurrency,
      });
      return {
        worker,
        cut() {
          cut();
          void worker.getBackend().close(true).catch(onError);
        },
      };
    },

    reachable: () => whenReady(commands),

    async pressure() {
      await whenReady(commands);
      return memoryRatioOf(commands);
    },

    async life() {
      await whenReady(commands);
      return runIdsOf(commands);
    },

    async alone(lock, work) {
      const key = `portcullis:lock:${lock}`;
      const token = newId();
      await whenReady(commands);
      while ((await commands.set(key, token, 'PX', LOCK_MS, 'NX')) === null) await rest(LOCK_POLL_MS, ended.signal);
      try {
        return await work();
      } finally {
        await commands
          .eval("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end", 1, key, token)
          .catch(onError);
      }
    },

    close() {
      ended.abort();
      commands.disconnect();
      return Promise.resolve();
    },
  };
}
