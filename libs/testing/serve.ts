import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTemplate, runAs } from '#testing/database-template.ts';
import { findRedis } from '#testing/redis-binary.ts';
import { startRedisServer } from '#testing/redis-server.ts';
import type { TestDatabaseServer, TestServices } from '#testing/services.ts';

/**
 * A process of its own that holds a test run's services, and removes them when the run ends, is interrupted or crashes:
 * all of these close the channel to it. Its argument is the number of vitest workers.
 */
const workers = Number(process.argv[2]);
const stack = new AsyncDisposableStack();
const scratch = mkdtempSync(join(tmpdir(), 'portcullis-test-'));
// PostgreSQL, which root runs as another user, passes through it.
chmodSync(scratch, 0o711);
stack.defer(() => rmSync(scratch, { recursive: true, force: true }));
const ended = new Promise<void>((resolve) => {
  process.once('disconnect', resolve);
});

try {
  const services = await start();
  if (process.connected) process.send?.(services);
  await ended;
} finally {
  await stack.disposeAsync();
}

async function start(): Promise<TestServices> {
  const databases: TestDatabaseServer[] = [];
  for (let number = 1; number <= workers; number += 1) databases.push(await startDatabase(number));
  const binary = findRedis(scratch);
  const redis =
    binary === undefined ? undefined : stack.use(await startRedisServer(binary, scratch, { databases: '4096' }));
  return {
    databases,
    redis: redis === undefined || binary === undefined ? undefined : { url: redis.url, binary },
    scratch,
  };
}

async function startDatabase(number: number): Promise<TestDatabaseServer> {
  const home = join(scratch, `postgres-${number}`);
  mkdirSync(home);
  const { superuserUrl, ownerUrl, url, template } = stack.use(await openTemplate(home));
  // A copy needs an original that nobody is in.
  await runAs(superuserUrl, `alter database ${template} with allow_connections false`);
  return { superuserUrl, ownerUrl, url, template };
}
