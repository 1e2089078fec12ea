import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { startProcess } from '#testing/process.ts';
import { hasRedis, redisUrl } from '#testing/redis.ts';
import { testSecrets } from '#testing/secrets.ts';

const PHONE = '4917655443322';
const SECRETS = {
  WHATSAPP_APP_SECRET: 'canary1f2e3d4c5b6a79880817263544',
  WHATSAPP_VERIFY_TOKEN: 'canary-verify-9d8c7b6a5f4e3d2c1b',
  WOOALERTS_WEBHOOK_SECRET: 'canary0a9b8c7d6e5f4a3b2c1d0e9f8a',
  FORWARD_SECRET: `whsec_${Buffer.from('canary-forward-key-7f6e5d4c3b2a19').toString('base64')}`,
};
const TEXT = 'the canary sings of otters';
const NAME = 'Canaria Feather';
const path = '/api/whatsapp/webhook';

const body = JSON.stringify({
  object: 'whatsapp_business_account',
  entry: [
    {
      id: '1',
      changes: [
        {
          field: 'messages',
          value: {
            contacts: [{ wa_id: PHONE, profile: { name: NAME } }],
            messages: [{ id: `wamid.${PHONE}`, from: PHONE, type: 'text', text: { body: TEXT } }],
            statuses: [{ id: 'wamid.s', status: 'read', timestamp: '1700000000', recipient_id: PHONE }],
          },
        },
      ],
    },
  ],
});
const macOf = (text: string): string => createHmac('sha256', SECRETS.WHATSAPP_APP_SECRET).update(text).digest('hex');

function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

/** Everything that the queue holds, as text. */
async function jobsIn(database: TestDatabase, url: string): Promise<string> {
  if (!url.startsWith('redis')) {
    const { rows: tables } = await database.pool.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'bullmq'`,
    );
    const dumps = tables.map(async ({ name }) => {
      const { rows } = await database.pool.query<{ text: string }>(
        `select row_to_json(t)::text as text from bullmq.${name} as t`,
      );
      return rows.map(({ text }) => text);
    });
    return (await Promise.all(dumps)).flat().join('\n');
  }
  const redis = new Redis(url);
  try {
    const found: unknown[] = [];
    for (const key of await redis.keys('*')) {
      const type = await redis.type(key);
      found.push(key);
      if (type === 'hash') found.push(await redis.hgetall(key));
      if (type === 'list') found.push(await redis.lrange(key, 0, -1));
      if (type === 'zset') found.push(await redis.zrange(key, '0', '-1'));
      if (type === 'stream') found.push(await redis.xrange(key, '-', '+'));
      if (type === 'string') found.push(await redis.get(key));
    }
    return JSON.stringify(found);
  } finally {
    redis.disconnect();
  }
}

/** Each request that is wrong in its own way; all answers in one text. */
async function provoke(origin: string): Promise<string> {
  const signed = { 'x-hub-signature-256': `sha256=${macOf(body)}` };
  const requests: [string, RequestInit][] = [
    [path, { method: 'POST', body, headers: signed }],
    [path, { method: 'POST', body, headers: signed }],
    [path, { method: 'POST', body: `${body} `, headers: signed }],
    [path, { method: 'POST', body, headers: { 'x-hub-signature-256': SECRETS.WHATSAPP_APP_SECRET } }],
    [path, { method: 'POST', body, headers: { ...signed, 'content-encoding': 'gzip' } }],
    [path, { method: 'PUT', body, headers: signed }],
    ['/api/wooalerts-webhook', { method: 'POST', body, headers: { 'x-wooalerts-signature': macOf(body) } }],
    [`/api/webhooks/${PHONE}`, { method: 'POST', body, headers: signed }],
    [`/api/nothing?token=${SECRETS.WHATSAPP_VERIFY_TOKEN}&phone=${PHONE}`, {}],
    [`${path}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=${SECRETS.WHATSAPP_VERIFY_TOKEN}`, {}],
    [`${path}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=${SECRETS.WHATSAPP_VERIFY_TOKEN}x`, {}],
    [
      '/api/auth/login',
      { method: 'POST', body: `{"email":"${PHONE}`, headers: { 'content-type': 'application/json' } },
    ],
    ['/api/webhook-logs', { headers: { authorization: `Bearer ${SECRETS.WHATSAPP_APP_SECRET}` } }],
  ];
  const answers = [];
  for (const [target, init] of requests) {
    const response = await fetch(origin + target, init);
    answers.push(`${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`);
  }
  return answers.join('\n');
}

describe.each(['postgres', 'redis'])('with the queue on %s', (backend) => {
  it.skipIf(backend === 'redis' && !hasRedis())(
    'no secret, token, signature, number, name or text is in logs, jobs, metrics or answers',
    { timeout: 60_000 },
    async () => {
      const database = closing(await openTestDatabase());
      const queueUrl = backend === 'redis' ? await redisUrl() : database.url;
      const env = {
        ...testSecrets,
        ...SECRETS,
        DATABASE_URL: database.url,
        QUEUE_URL: queueUrl,
        FORWARD_URL: 'http://127.0.0.1:9/events',
        FORWARD_ALLOW_PRIVATE: 'yes',
        LOG_LEVEL: 'trace',
        PORT: '0',
        WORKER_PORT: '0',
      };
      const ingress = closing(await startProcess('apps/ingress/main.ts', { env }));
      const answers = await provoke(ingress.origin);
      expect(answers.split('\n').map((line) => line.slice(0, 3))).toEqual(
        '200 200 403 403 415 405 403 403 404 200 403 400 401'.split(' '),
      );
      await sleep(300);
      const waiting = await jobsIn(database, queueUrl);
      expect(waiting).toContain('receiptIds');

      const worker = closing(await startProcess('apps/worker/main.ts', { env }));
      for (let tries = 0; tries < 100; tries += 1) {
        const { rows } = await database.pool.query("select 1 from webhook_event where type = 'message.received'");
        if (rows.length > 0) break;
        await sleep(100);
      }
      // A body that can't be read ends dead, and its job fails where ops look at it.
      const broken = `{"from":"${PHONE}","text":"${TEXT}"`;
      const headers = { 'x-hub-signature-256': `sha256=${macOf(broken)}` };
      expect((await fetch(ingress.origin + path, { method: 'POST', body: broken, headers })).status).toBe(200);
      await sleep(2_500);
      const { rows } = await database.pool.query(
        "select state from webhook_log where verdict = 'accepted' order by id",
      );
      expect(rows.map(({ state }) => state as string)).toEqual(['done', 'dead']);

      const metrics = async (origin: string): Promise<string> => (await fetch(`${origin}/metrics`)).text();
      const seen = {
        answers,
        jobs: waiting + (await jobsIn(database, queueUrl)),
        metrics: (await metrics(ingress.origin)) + (await metrics(worker.origin)),
        logs: ingress.logged() + worker.logged(),
      };
      expect(seen.metrics).toContain('portcullis_receipts_total');
      expect(seen.logs).toContain('"level":');
      const canaries = [PHONE, TEXT, NAME, macOf(body), macOf(broken), ...Object.values(SECRETS)];
      for (const [place, text] of Object.entries(seen)) {
        const found = canaries.filter((canary) => text.includes(canary));
        expect({ place, found }).toEqual({ place, found: [] });
      }
    },
  );
});
