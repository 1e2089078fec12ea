import { openRedis } from '#redis/client.ts';
import { warningsOf } from '#redis/inspect.ts';
import { isRedisUrl } from '#redis/address.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { valueOf, type Environment } from '#runtime/config.ts';
import { well, worthALook, wrong, type Finding } from './finding.ts';

const LIMIT_MS = 4_000;

/** Looks at the Redis that holds jobs, where there is one. */
export async function examineQueue(env: Environment): Promise<Finding[]> {
  const url = valueOf('QUEUE_URL', env);
  if (url === undefined || !isRedisUrl(url)) return [well('the queue is in PostgreSQL')];
  const redis = openRedis(url, { role: 'commands', name: 'doctor', onError: () => undefined });
  try {
    const ready = new Promise<void>((resolve) => redis.once('ready', resolve));
    if (redis.status !== 'ready' && !(await settledWithin(LIMIT_MS, ready))) {
      return [wrong('the Redis of the queue does not answer', 'start it, or correct QUEUE_URL')];
    }
    if (redis.status !== 'ready')
      return [wrong('the Redis of the queue does not answer', 'start it, or correct QUEUE_URL')];
    const warnings = await warningsOf(redis);
    if (warnings.length === 0) return [well('Redis evicts nothing and keeps its jobs')];
    return warnings.map((text) =>
      /noeviction/.test(text)
        ? wrong(`Redis: ${text}`, 'set maxmemory-policy noeviction')
        : worthALook(`Redis: ${text}`, 'set appendonly yes; without it the relay rings again for what is lost'),
    );
  } finally {
    redis.disconnect();
  }
}
