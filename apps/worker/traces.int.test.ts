import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openPool } from '#database/pool.ts';
import { openQueueConnection } from '#queue/connection.ts';
import { openQueueReader } from '#queue/reader.ts';
import { openLog } from '#runtime/log.ts';
import { uploads } from '#uploads/queue.ts';
import { webhooks } from '#webhooks/queue.ts';
import { wipeQueue } from '#testing/chaos/wipe-queue.ts';
import { runCommand } from '#testing/redis-command.ts';
import { hasRedis, startRedis } from '#testing/redis.ts';
import { openSpanReceiver, type ReceivedSpan } from '#testing/span-receiver.ts';
import { startSystem, type TestSystem } from '#testing/system.ts';
import { WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';
import { makeUser, openClient, PASSWORD } from '../ingress/testing/people.ts';

const INGRESS = 'portcullis-ingress';
const WORKER = 'portcullis-worker';
const FOREIGN = '00-11111111111111111111111111111111-2222222222222222-01';
const message = {
  object: 'whatsapp_business_account',
  entry: [
    {
      id: '1',
      changes: [
        {
          field: 'messages',
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '1', phone_number_id: '1' },
            messages: [{ from: '49', id: 'wamid.T', timestamp: '1700000000', type: 'text', text: { body: 'hi' } }],
          },
        },
      ],
    },
  ],
};

/** The application behind: keeps the `traceparent` of each type of event. */
async function openApplication() {
  const traceparents = new Map<string, string>();
  const server = createServer((request, response) => {
    void request.toArray().then((parts: Buffer[]) => {
      const { type } = JSON.parse(Buffer.concat(parts).toString()) as { type: string };
      traceparents.set(type, String(request.headers['traceparent']));
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, traceparents };
}

async function sendWebhook({ origin }: TestSystem): Promise<number> {
  const body = JSON.stringify(message);
  const signature = createHmac('sha256', WHATSAPP_TEST_SECRET).update(body).digest('hex');
  const headers = {
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${signature}`,
    traceparent: FOREIGN,
  };
  return (await fetch(`${origin}/api/whatsapp/webhook`, { method: 'POST', headers, body })).status;
}

async function sendUpload({ origin, database }: TestSystem): Promise<number> {
  const { email } = await makeUser(database.pool, { email: 'uploader@example.com' });
  const { body: login } = await openClient(origin)('/api/auth/login', { body: { email, password: PASSWORD } });
  const form = new FormData();
  form.set('file', new File(['a note\n'], 'note.txt', { type: 'text/plain' }));
  const headers = { authorization: `Bearer ${login.accessToken}`, traceparent: FOREIGN };
  return (await fetch(`${origin}/api/attachments/T-1`, { method: 'POST', headers, body: form })).status;
}

async function rowsOf(system: TestSystem, table: 'webhook_log' | 'upload'): Promise<(string | null)[]> {
  const { rows } = await system.database.pool.query<{ traceparent: string | null }>(`select traceparent from ${table}`);
  return rows.map(({ traceparent }) => traceparent);
}

/** A trace as a tree: each span with its process, under the one that it belongs to. */
function treeOf(spans: readonly ReceivedSpan[], traceId: string, parentId = ''): Tree {
  const children = spans.filter((span) => span.traceId === traceId && span.parentId === parentId);
  return Object.fromEntries(
    children.map(({ service, name, spanId }) => [`${service} ${name}`, treeOf(spans, traceId, spanId)]),
  );
}

interface Tree {
  [span: string]: Tree;
}

const ofWebhook: Tree = {
  [`${INGRESS} HTTP POST`]: {
    [`${INGRESS} journal commit`]: {},
    [`${WORKER} process receipt`]: {},
    [`${WORKER} effect forward`]: {},
  },
};
const ofUpload: Tree = {
  [`${INGRESS} HTTP POST`]: {
    [`${INGRESS} quarantine commit`]: {},
    [`${WORKER} scan upload`]: {
      [`${WORKER} inspect file`]: {},
      [`${WORKER} clamd scan`]: {},
      [`${WORKER} promote file`]: {},
    },
    [`${WORKER} effect forward`]: {},
  },
};

interface LossyQueue {
  url?: string;
  wipe: (system: TestSystem) => Promise<void>;
}

async function openLossyRedis(): Promise<LossyQueue> {
  const redis = await startRedis();
  onTestFinished(() => redis[Symbol.asyncDispose]());
  return { url: redis.url, wipe: () => runCommand(redis.url, 'FLUSHALL') };
}

async function openLossyPostgres(): Promise<LossyQueue> {
  return {
    wipe: async ({ database }) => {
      const pool = openPool(database.superuserUrl, { name: 'wipe', max: 1, onError: () => undefined });
      try {
        await wipeQueue(pool);
      } finally {
        await pool.end();
      }
    },
  };
}

/** Waits for the doorbells, which come after the answers, and then takes them away. */
async function loseJobs(system: TestSystem, { url = system.database.url, wipe }: LossyQueue): Promise<void> {
  const connection = openQueueConnection(url, { role: 'producer', log: openLog({ name: 'test', level: 'silent' }) });
  onTestFinished(() => connection.close());
  const reader = openQueueReader(connection, { deadlineMs: 2_000 });
  onTestFinished(() => reader.close());
  const waiting = (): Promise<number[]> =>
    Promise.all([webhooks, uploads].map(async (queue) => (await reader.depth(queue)).waiting));
  await expect.poll(waiting, { timeout: 10_000 }).toEqual([1, 1]);
  await wipe(system);
  expect(await waiting()).toEqual([0, 0]);
}

it.each<[string, () => Promise<LossyQueue>]>([
  ['PostgreSQL', openLossyPostgres],
  ...(hasRedis() ? [['Redis', openLossyRedis] satisfies [string, () => Promise<LossyQueue>]] : []),
])(
  'shows one webhook, and one upload, as one trace each, from the request to the forwarded event, though %s lost their jobs',
  { timeout: 90_000 },
  async (_, openQueue) => {
    const collector = await openSpanReceiver();
    onTestFinished(() => collector[Symbol.asyncDispose]());
    const application = await openApplication();
    const queue = await openQueue();
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin,
      FORWARD_URL: `${application.origin}/events`,
      FORWARD_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
      FORWARD_ALLOW_PRIVATE: 'yes',
      ...(queue.url === undefined ? {} : { QUEUE_URL: queue.url }),
    };
    const system = await startSystem(env, { hasWorker: false });
    onTestFinished(() => system[Symbol.asyncDispose]());
    expect(await sendWebhook(system)).toBe(200);
    expect(await sendUpload(system)).toBe(202);
    const traceIds = new Map<string, string>();
    for (const table of ['webhook_log', 'upload'] as const) {
      const [traceparent, ...others] = await rowsOf(system, table);
      expect(others).toEqual([]);
      expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      traceIds.set(table, String(traceparent).split('-')[1] ?? '');
    }
    expect(new Set([...traceIds.values(), FOREIGN.split('-')[1]]).size).toBe(3);
    await loseJobs(system, queue);
    await system.startWorker();

    const expected: [string, string, Tree][] = [['webhook_log', 'message.received', ofWebhook]];
    if (system.hasScanner) expected.push(['upload', 'upload.clean', ofUpload]);
    await vi.waitFor(
      () => {
        for (const [table, type, tree] of expected) {
          const traceId = traceIds.get(table) ?? '';
          expect(treeOf(collector.spans, traceId)).toEqual(tree);
          const effects = collector.spans.filter((span) => span.traceId === traceId && span.name === 'effect forward');
          expect(application.traceparents.get(type)).toBe(`00-${traceId}-${effects[0]?.spanId}-01`);
        }
      },
      { timeout: 40_000, interval: 100 },
    );
  },
);
