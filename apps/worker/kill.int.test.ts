import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runProcessToEnd, startProcess } from '#testing/process.ts';
import { sendMessages, WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';
import { testSecrets } from '#testing/secrets.ts';
import { hasRedis, redisUrl } from '#testing/redis.ts';

const WEBHOOKS = 1_000;
const CONNECTIONS = 32;

async function untilDone(database: TestDatabase, limitMs: number): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const { rows } = await database.pool.query<{ n: number }>(
      "select count(*) as n from webhook_log where state = 'open'",
    );
    if (rows[0]?.n === 0) return performance.now() - startedAt;
    if (performance.now() - startedAt > limitMs) throw new Error(`${rows[0]?.n} receipts are still open`);
    await sleep(100);
  }
}

/** Closes it when the test ends; what was opened last first. */
function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

describe.each(['postgres', 'redis'])('with the queue on %s', (backend) => {
  it.skipIf(backend === 'redis' && !hasRedis())(
    'does the work of a killed worker within 8 s, once each',
    { timeout: 90_000 },
    async () => {
      const database = closing(await openTestDatabase());
      const queueUrl = backend === 'redis' ? await redisUrl() : database.url;
      const env = {
        DATABASE_URL: database.url,
        QUEUE_URL: queueUrl,
        WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
        ...testSecrets,
      };
      const migrated = await runProcessToEnd('apps/migrate/main.ts', {
        env: { ...env, MIGRATE_DATABASE_URL: database.ownerUrl },
      });
      expect(migrated).toMatchObject({ code: 0 });
      const ingress = closing(await startProcess('apps/ingress/main.ts', { env: { ...env, PORT: '0' } }));
      const worker = await startProcess('apps/worker/main.ts', { env: { ...env, WORKER_PORT: '0' } });
      const sending = sendMessages(ingress.origin, 'kill', WEBHOOKS, CONNECTIONS);
      await sleep(300);
      worker.kill('SIGKILL');
      await worker.ended;
      const second = closing(await startProcess('apps/worker/main.ts', { env: { ...env, WORKER_PORT: '0' } }));
      const acknowledged = await sending;
      expect(acknowledged).toHaveLength(WEBHOOKS);
      expect(await untilDone(database, 20_000)).toBeLessThan(8_000);
      const { rows } = await database.pool.query(`
        select (select count(*) from webhook_log) as receipts, (select count(*) from webhook_event) as events,
          (select count(distinct event_key) from webhook_event) as keys`);
      expect(rows).toEqual([{ receipts: WEBHOOKS, events: WEBHOOKS, keys: WEBHOOKS }]);
      second.kill('SIGTERM');
      expect(await second.ended).toBe(0);
      ingress.kill('SIGTERM');
      expect(await ingress.ended).toBe(0);
    },
  );
});

it('exits 1 and names every fault of its configuration', async () => {
  const { code, logged } = await runProcessToEnd('apps/ingress/main.ts', {
    env: { PORT: 'x', TRUST_PROXY: 'true', WHATSAPP_APP_SECRET: 'short', WEBHOOK_SOURCES: 'a:nobody' },
  });
  expect(code).toBe(1);
  for (const name of ['PORT', 'TRUST_PROXY', 'DATABASE_URL', 'WHATSAPP_APP_SECRET', 'WEBHOOK_SOURCES']) {
    expect(logged).toContain(`${name}: `);
  }
  expect(logged).not.toContain('short\n');
});
