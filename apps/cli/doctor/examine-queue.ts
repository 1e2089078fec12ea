import { isRedisUrl, readRedisUrl } from '#redis/address.ts';
import { openRedis, serversOf, type RedisClient } from '#redis/client.ts';
import { warningsOf } from '#redis/inspect.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { valueOf, type Environment } from '#runtime/config.ts';
import { well, worthALook, wrong, type Finding } from './finding.ts';

const LIMIT_MS = 4_000;

/** Looks at the Redis that holds jobs, and at that of the limits, where there is one. */
export async function examineQueue(env: Environment): Promise<Finding[]> {
  const queueUrl = valueOf('QUEUE_URL', env);
  const limitsUrl = valueOf('REDIS_URL', env);
  const findings =
    queueUrl === undefined || !isRedisUrl(queueUrl)
      ? [well('the queue is in PostgreSQL')]
      : await examineRedis({ url: queueUrl, setting: 'QUEUE_URL', of: 'queue' }, judgeJobs);
  if (limitsUrl === undefined || limitsUrl === queueUrl) return findings;
  const ofLimits = await examineRedis({ url: limitsUrl, setting: 'REDIS_URL', of: 'limits' }, async (redis) => {
    await Promise.all(serversOf(redis).map((server) => server.ping()));
    return [well('the Redis of the limits answers')];
  });
  return [...findings, ...ofLimits];
}

interface Place {
  url: string;
  setting: 'QUEUE_URL' | 'REDIS_URL';
  of: 'queue' | 'limits';
}

async function examineRedis(
  { url, setting, of }: Place,
  look: (redis: RedisClient) => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    readRedisUrl(url);
  } catch (error) {
    return [wrong(`${setting} ${(error as Error).message}`, `correct ${setting}`)];
  }
  const away = [wrong(`the Redis of the ${of} does not answer`, `start it, or correct ${setting}`)];
  const redis = openRedis(url, { role: 'commands', name: 'doctor', onError: () => undefined });
  try {
    const ready = new Promise<void>((resolve) => redis.once('ready', resolve));
    if (redis.status !== 'ready' && !(await settledWithin(LIMIT_MS, ready))) return away;
    // A part of a cluster may be away while the others answer.
    return await look(redis).catch(() => away);
  } finally {
    redis.disconnect();
  }
}

async function judgeJobs(redis: RedisClient): Promise<Finding[]> {
  const warnings = await warningsOf(redis);
  if (warnings.length === 0) return [well('Redis evicts nothing and keeps its jobs')];
  return warnings.map((text) =>
    /noeviction/.test(text)
      ? wrong(`Redis: ${text}`, 'set maxmemory-policy noeviction')
      : worthALook(`Redis: ${text}`, 'set appendonly yes; without it the relay rings again for what is lost'),
  );
}
