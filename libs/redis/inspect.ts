import { serversOf, type Redis, type RedisClient } from '#redis/client.ts';
import { parseInfo } from '#redis/info.ts';

/** What of a Redis decides whether jobs are safe in it; undefined is what it refuses to tell. */
export interface RedisFacts {
  maxmemoryPolicy?: string | undefined;
  /** CONFIG `save`: an empty text means that no snapshots are made. */
  save?: string | undefined;
  isAppendOnly?: boolean | undefined;
}

/** What is wrong with a Redis that holds jobs, one sentence each; what it refuses to tell is said to be unknown. */
export async function warningsOf(client: RedisClient): Promise<readonly string[]> {
  const facts = await Promise.all(serversOf(client).map(factsOf));
  return [...new Set(facts.flatMap(judge))];
}

async function factsOf(redis: Redis): Promise<RedisFacts> {
  const info = parseInfo(await redis.info());
  return {
    maxmemoryPolicy: info.get('maxmemory_policy') ?? (await settingOf(redis, 'maxmemory-policy')),
    save: await settingOf(redis, 'save'),
    isAppendOnly: info.has('aof_enabled') ? info.get('aof_enabled') === '1' : undefined,
  };
}

/** A managed Redis may refuse CONFIG. */
async function settingOf(redis: Redis, name: string): Promise<string | undefined> {
  try {
    const reply = await redis.config('GET', name);
    return reply[1];
  } catch {
    return undefined;
  }
}

export function judge({ maxmemoryPolicy, save, isAppendOnly }: RedisFacts): readonly string[] {
  const warnings: string[] = [];
  if (maxmemoryPolicy === undefined) {
    warnings.push('maxmemory-policy is unknown; it has to be noeviction, or Redis may drop jobs');
  } else if (maxmemoryPolicy !== 'noeviction') {
    warnings.push(`maxmemory-policy is ${maxmemoryPolicy}; it has to be noeviction, or Redis may drop jobs`);
  }
  if (isAppendOnly === true) return warnings;
  if (isAppendOnly === undefined) {
    warnings.push('persistence is unknown; with appendonly off, a restart of Redis loses the jobs it held');
  } else if (save === '') {
    warnings.push('persistence is off (appendonly no, no snapshots); a restart of Redis loses the jobs it held');
  } else {
    warnings.push('appendonly is off; a restart of Redis loses the jobs since its last snapshot');
  }
  return warnings;
}
