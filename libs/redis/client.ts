import type { Redis } from 'ioredis';

export type RedisRole = 'producer' | 'worker' | 'commands';

export interface RedisOptions {
  role: RedisRole;
  /** Shown in CLIENT LIST. */
  name: string;
  onError: (error: Error) => void;
}

/**
 * `producer` and `commands` fail fast: no offline queue, and every command has a deadline. `worker` waits for Redis to
 * come back. Connecting goes on in the background in each of them.
 */
export declare function openRedis(url: string, options: RedisOptions): Redis;
