import { openRedis, whenReady } from '#redis/client.ts';

/** Sends one command to a Redis. */
export async function runCommand(url: string, command: string, ...args: string[]): Promise<void> {
  const redis = openRedis(url, { role: 'commands', name: 'test', onError: () => undefined });
  try {
    await whenReady(redis);
    await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}
