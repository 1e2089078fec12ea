import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openEmbeddedDatabase } from '../libs/database/embedded.ts';
import { findRedis } from '../libs/testing/redis-binary.ts';
import { startRedisServer } from '../libs/testing/redis-server.ts';

export interface Stores {
  /** A directory that is removed afterwards. */
  scratch: string;
  postgresPid: number;
  postgresVersion: string;
  redisPid: number;
  redisVersion: string;
  /** Makes an empty database. */
  database(name: string): Promise<{ url: string; ownerUrl: string; superuserUrl: string }>;
  /** A database of Redis by number. */
  redis(database: number): string;
  /** Each is ended at once, as a crash would, and started again on its port and on what it kept. */
  crash: Record<'postgres' | 'redis', () => Promise<void>>;
}

/** One PostgreSQL that syncs every commit, and one Redis with an append-only file, by default synced every second, for all who are measured. */
export async function openStores(
  stack: AsyncDisposableStack,
  appendfsync: 'everysec' | 'always' = 'everysec',
  onPostgresLine: (line: string) => void = () => undefined,
): Promise<Stores> {
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  chmodSync(scratch, 0o755);
  stack.defer(() => rmSync(scratch, { recursive: true, force: true }));
  const binary = findRedis(scratch);
  if (binary === undefined) throw new Error('a Redis or Valkey server is needed; Debian has one in redis-tools');
  const options = {
    home: mkdtempSync(join(scratch, 'postgres-')),
    outside: join(scratch, 'outside'),
    passwords: { superuser: 'bench-superuser', owner: 'bench-owner', app: 'bench-app' },
    onLine: onPostgresLine,
  };
  let postgres = await openEmbeddedDatabase(options);
  stack.defer(() => postgres[Symbol.asyncDispose]());
  const redis = stack.use(
    await startRedisServer(binary, scratch, {
      appendonly: 'yes',
      appendfsync,
      'maxmemory-policy': 'noeviction',
    }),
  );
  const inDatabase = (url: string, name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  return {
    scratch,
    get postgresPid() {
      return postgres.pid;
    },
    postgresVersion: await versionOf(postgres.superuserUrl),
    get redisPid() {
      return redis.pid;
    },
    redisVersion: await redisVersionOf(redis.url),
    async database(name) {
      const client = new Client({ connectionString: postgres.superuserUrl });
      await client.connect();
      try {
        await client.query(`create database ${name} owner portcullis_owner`);
      } finally {
        await client.end();
      }
      return {
        url: inDatabase(postgres.url, name),
        ownerUrl: inDatabase(postgres.ownerUrl, name),
        superuserUrl: inDatabase(postgres.superuserUrl, name),
      };
    },
    redis: (database) => `${redis.url}/${database}`,
    crash: {
      async postgres() {
        process.kill(postgres.pid, 'SIGQUIT');
        await postgres.ended;
        postgres = await openEmbeddedDatabase({ ...options, port: postgres.port });
      },
      async redis() {
        redis.signal('SIGKILL');
        await redis.ended();
        await redis.restart();
      },
    },
  };
}

async function versionOf(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version ?? '';
  } finally {
    await client.end();
  }
}

async function redisVersionOf(url: string): Promise<string> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url);
  try {
    const info = await redis.info('server');
    return /redis_version:(\S+)/.exec(info)?.[1] ?? '';
  } finally {
    redis.disconnect();
  }
}
