import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { freePort } from '#runtime/free-port.ts';
import { startProcess } from '#testing/process.ts';
import { hasRedis, startRedis } from '#testing/redis.ts';
import { runCommand } from '#testing/redis-command.ts';
import type { RedisServer } from '#testing/redis-server.ts';
import { testSecrets } from '#testing/secrets.ts';
import { sendMessages, WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';

/** From the fault to the end of the work: the pass mark is 3 s for the first, the rest is for a machine under load. */
const WORK_GOES_ON_MS = 8_000;
const MESSAGES = 40;

function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

async function startSystem(queueUrl: string) {
  const database = closing(await openTestDatabase());
  const env = {
    DATABASE_URL: database.url,
    QUEUE_URL: queueUrl,
    WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
    ...testSecrets,
  };
  const ingress = closing(await startProcess('apps/ingress/main.ts', { env: { ...env, PORT: '0' } }));
  const worker = closing(
    await startProcess('apps/worker/main.ts', { args: ['webhooks', 'events'], env: { ...env, WORKER_PORT: '0' } }),
  );
  const doneIn = async (ids: readonly string[]): Promise<number> => {
    const startedAt = performance.now();
    for (;;) {
      const { rows } = await database.pool.query<{ n: number }>(
        'select count(*) as n from webhook_event where event_key = any($1)',
        [ids],
      );
      if (rows[0]?.n === ids.length) return performance.now() - startedAt;
      if (performance.now() - startedAt > 30_000) throw new Error(`${rows[0]?.n} of ${ids.length} are done`);
      await sleep(50);
    }
  };
  return { ingress, worker, doneIn };
}

describe.skipIf(!hasRedis())('while Redis is', () => {
  it.each<[string, (redis: RedisServer) => Promise<void> | void, boolean]>([
    ['killed', (redis) => redis.signal('SIGKILL'), false],
    ['frozen', (redis) => redis.signal('SIGSTOP'), false],
    ['wiped', (redis) => runCommand(redis.url, 'FLUSHALL'), true],
    ['full', (redis) => runCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '1'), false],
    ['gone and back, without what it held', async (redis) => redis.restart(), true],
  ])('%s, webhooks are acknowledged and their work goes on', { timeout: 90_000 }, async (_fault, strike, comesBack) => {
    const redis = closing(await startRedis());
    const { ingress, doneIn } = await startSystem(redis.url);
    const before = await sendMessages(ingress.origin, 'before', MESSAGES, 4);
    expect(await doneIn(before)).toBeLessThan(WORK_GOES_ON_MS);
    await strike(redis);
    const during = await sendMessages(ingress.origin, 'during', MESSAGES, 4);
    expect(during).toHaveLength(MESSAGES);
    expect(await doneIn(during)).toBeLessThan(WORK_GOES_ON_MS);
    const after = comesBack ? await sendMessages(ingress.origin, 'after', MESSAGES, 4) : [];
    expect(await doneIn(after)).toBeLessThan(WORK_GOES_ON_MS);
    redis.signal('SIGCONT');
  });

  it('not up from the start, they are acknowledged and processed all the same', { timeout: 60_000 }, async () => {
    const { ingress, doneIn } = await startSystem(`redis://127.0.0.1:${await freePort()}`);
    const ids = await sendMessages(ingress.origin, 'never', MESSAGES, 4);
    expect(ids).toHaveLength(MESSAGES);
    expect(await doneIn(ids)).toBeLessThan(WORK_GOES_ON_MS);
  });

  it('away, the worker still ends cleanly on SIGTERM', { timeout: 60_000 }, async () => {
    const redis = closing(await startRedis());
    const { ingress, worker } = await startSystem(redis.url);
    redis.signal('SIGKILL');
    await sleep(500);
    for (const each of [ingress, worker]) each.kill('SIGTERM');
    expect(await Promise.all([ingress.ended, worker.ended])).toEqual([0, 0]);
  });
});
