import type { Redis } from 'ioredis';

/** What is wrong with a Redis that holds jobs, one sentence each; what it refuses to tell is said to be unknown. */
export declare function warningsOf(redis: Redis): Promise<readonly string[]>;
