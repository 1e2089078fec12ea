import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { startProcess } from '#testing/process.ts';
import { startRedisCluster, startSentinelGroup } from '#testing/redis-groups.ts';
import type { RedisGroup } from '#testing/sentinel-group.ts';
import { hasRedis } from '#testing/redis.ts';
import { testSecrets } from '#testing/secrets.ts';
import { sendMessages, WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';

const WEBHOOKS = 600;
const CONNECTIONS = 8;
/** Nothing may be lost, however slow the machine is; how soon a queue goes on is asked of the queue alone. */
const DONE_MS = 60_000;

function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

describe.skipIf(!hasRedis())('when the master dies under load', () => {
  it.each<[string, () => Promise<RedisGroup>]>([
    ['that Sentinels watch', startSentinelGroup],
    ['of a cluster', () => startRedisCluster({ replicaFor: 'webhooks' })],
  ])('%s, every webhook is acknowledged, and done once', { timeout: 120_000 }, async (_, start) => {
    const group = closing(await start());
    const database = closing(await openTestDatabase());
    const env = {
      DATABASE_URL: database.url,
      QUEUE_URL: group.url,
      WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
      ...testSecrets,
    };
    const ingress = closing(await startProcess('apps/ingress/main.ts', { env: { ...env, PORT: '0' } }));
    closing(
      await startProcess('apps/worker/main.ts', { args: ['webhooks', 'events'], env: { ...env, WORKER_PORT: '0' } }),
    );
    const sending = sendMessages(ingress.origin, 'failover', WEBHOOKS, CONNECTIONS);
    await sleep(300);
    (await group.masterOf('webhooks')).signal('SIGKILL');
    const killedAtMs = Date.now();
    expect(await sending).toHaveLength(WEBHOOKS);
    for (;;) {
      const { rows } = await database.pool.query<{ receipts: number; events: number }>(
        `select (select count(*) from webhook_log where state = 'done') as receipts,
           (select count(*) from webhook_event where state = 'done') as events`,
      );
      if (rows[0]?.receipts === WEBHOOKS && rows[0].events === WEBHOOKS) break;
      expect(Date.now() - killedAtMs).toBeLessThan(DONE_MS);
      await sleep(100);
    }
  });
});
