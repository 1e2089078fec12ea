import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTemplate, runAs } from '#testing/database-template.ts';
import { findRedis } from '#testing/redis-binary.ts';
import { startRedisServer } from '#testing/redis-server.ts';
import type { TestServices } from '#testing/services.ts';

/**
 * A process of its own that holds a test run's services, and removes them when the run ends, is interrupted or crashes:
 * all of these close the channel to it.
 */
const stack = new AsyncDisposableStack();
const scratch = mkdtempSync(join(tmpdir(), 'portcullis-test-'));
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
  const database = stack.use(await openTemplate(scratch));
  // A copy needs an original that nobody is in.
  await runAs(database.superuserUrl, `alter database ${database.template} with allow_connections false`);
  const binary = findRedis(scratch);
  const redis =
    binary === undefined ? undefined : stack.use(await startRedisServer(binary, scratch, { databases: '4096' }));
  return {
    database: {
      superuserUrl: database.superuserUrl,
      ownerUrl: database.ownerUrl,
      url: database.url,
      template: database.template,
    },
    redis: redis === undefined || binary === undefined ? undefined : { url: redis.url, binary },
    scratch,
  };
}
