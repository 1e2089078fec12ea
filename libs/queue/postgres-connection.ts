import { createPostgresBackend, withBackend, type BackendFactory, type IQueueBackend } from 'bullmq';
import { openPool, type PoolClient } from '#database/pool.ts';
import type { QueueConnection, QueueConnectionOptions } from '#queue/queue-connection.ts';
import { openErrorLog } from '#queue/error-log.ts';
import { QUEUE_SCHEMA } from '#queue/migrate.ts';
import { paced, workerSettings } from '#queue/paced-backend.ts';
import { queueFailure } from '#queue/queue-failure.ts';
import { settledWithin, within } from '#runtime/deadline.ts';

/** Besides the one that each consumer listens on. */
const SHARED_CONNECTIONS = 3;
const CLOSE_MS = 2_000;

export function openPostgresConnection(
  url: string,
  { role, log, consumers = 0 }: QueueConnectionOptions,
): QueueConnection {
  const onError = openErrorLog(log, 'postgresql of the queue');
  const pool = openPool(url, {
    name: `queue-${role}`,
    max: SHARED_CONNECTIONS + consumers,
    connectMs: role === 'producer' ? 1_000 : 2_000,
    statementMs: role === 'producer' ? 2_000 : 5_000,
    // A lost job costs a late ring and nothing else, so the queue's commits need not wait for the disk.
    options: `-c search_path=${QUEUE_SCHEMA} -c synchronous_commit=off`,
    onError,
  });
  // Each worker that is replaced leaves its listener on the pool.
  pool.setMaxListeners(0);
  const factory = createPostgresBackend as BackendFactory<IQueueBackend, unknown>;
  const { Queue } = withBackend(factory);

  return {
    backend: 'postgres',

    async ping(limitMs) {
      try {
        await within(limitMs, pool.query('select max(version) from migration'), 'queue-unavailable');
      } catch (error) {
        throw queueFailure(error);
      }
    },

    openQueue: (name) => new Queue(name, { connection: pool }),

    openWorker(name, process, { concurrency, pace }) {
      const { Worker } = withBackend<IQueueBackend, unknown>((...call) => paced(factory(...call), pace));
      const worker = new Worker(name, process, { ...workerSettings, connection: pool, concurrency });
      return {
        worker,
        cut: () => void worker.getBackend().close(true).catch(onError),
      };
    },

    reachable: () => Promise.resolve(),

    pressure: () => Promise.resolve(undefined),
    life: () => Promise.resolve(undefined),

    async alone(lock, work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query('select pg_advisory_lock(hashtext($1))', [`portcullis:${lock}`]);
        return await work();
      } finally {
        broken = await unlock(client, lock);
        client.release(broken);
      }
    },

    async close() {
      await settledWithin(CLOSE_MS, pool.end());
    },
  };
}

async function unlock(client: PoolClient, lock: string): Promise<Error | undefined> {
  try {
    await client.query('select pg_advisory_unlock(hashtext($1))', [`portcullis:${lock}`]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
