import type { Redis } from 'ioredis';
import { serversOf, type RedisClient } from '#redis/client.ts';

/** Used memory divided by `maxmemory`, of the fullest server; undefined where there is no limit. */
export async function memoryRatioOf(client: RedisClient): Promise<number | undefined> {
  const ratios = (await Promise.all(serversOf(client).map(ratioOf))).filter((ratio) => ratio !== undefined);
  return ratios.length === 0 ? undefined : Math.max(...ratios);
}

async function ratioOf(redis: Redis): Promise<number | undefined> {
  const memory = parseInfo(await redis.info('memory'));
  const limit = Number(memory.get('maxmemory') ?? 0);
  return limit > 0 ? Number(memory.get('used_memory')) / limit : undefined;
}

/** Other ones after a start anew or a failover. */
export async function runIdsOf(client: RedisClient): Promise<string> {
  const replies = await Promise.all(serversOf(client).map((redis) => redis.info('server')));
  return replies
    .map((reply) => parseInfo(reply).get('run_id') ?? '')
    .toSorted()
    .join(' ');
}

/** The lines of an INFO reply by name. */
export function parseInfo(reply: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of reply.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
