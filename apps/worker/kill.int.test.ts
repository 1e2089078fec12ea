import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runProcessToEnd, startProcess } from '#testing/process.ts';
import { testSecrets } from '#testing/secrets.ts';
import { hasRedis, redisUrl } from '#testing/redis.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const WEBHOOKS = 1_000;
const CONNECTIONS = 32;

function messageBody(n: number): string {
  const message = {
    id: `wamid.${n}`,
    from: '4917012345678',
    timestamp: '1700000000',
    type: 'text',
    text: { body: 'hello' },
  };
  const value = { messaging_product: 'whatsapp', metadata: { phone_number_id: '1' }, messages: [message] };
  return JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: '1', changes: [{ field: 'messages', value }] }],
  });
}

/** Sends numbered webhooks over some connections and resolves with the numbers that got a 200. */
async function sendAll(origin: string, count: number): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  let next = 0;
  const send = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      const body = messageBody(n);
      const signature = createHmac('sha256', SECRET).update(body).digest('hex');
      const headers = { 'x-hub-signature-256': `sha256=${signature}` };
      const response = await fetch(`${origin}/api/whatsapp/webhook`, { method: 'POST', body, headers });
      await response.arrayBuffer();
      if (response.status === 200) acknowledged.add(n);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  return acknowledged;
}

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
      const env = { DATABASE_URL: database.url, QUEUE_URL: queueUrl, WHATSAPP_APP_SECRET: SECRET, ...testSecrets };
      const migrated = await runProcessToEnd('apps/migrate/main.ts', {
        env: { ...env, MIGRATE_DATABASE_URL: database.ownerUrl },
      });
      expect(migrated).toMatchObject({ code: 0 });
      const ingress = closing(await startProcess('apps/ingress/main.ts', { env: { ...env, PORT: '0' } }));
      const worker = await startProcess('apps/worker/main.ts', { env: { ...env, WORKER_PORT: '0' } });
      const sending = sendAll(ingress.origin, WEBHOOKS);
      await sleep(300);
      worker.kill('SIGKILL');
      await worker.ended;
      const second = closing(await startProcess('apps/worker/main.ts', { env: { ...env, WORKER_PORT: '0' } }));
      const acknowledged = await sending;
      expect(acknowledged.size).toBe(WEBHOOKS);
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
