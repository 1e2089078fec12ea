import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { catalogue } from '#catalogue.ts';
import { openQueueConnection } from '#queue/connection.ts';
import { consume } from '#queue/consumer.ts';
import { migrateQueue } from '#queue/migrate.ts';
import { openProducer } from '#queue/producer.ts';
import { openQueueReader } from '#queue/reader.ts';
import { declareSchedules } from '#queue/schedules.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { openLog } from '#runtime/log.ts';
import { hasBrowser, openBrowserPage } from '#testing/browser.ts';
import { openTestDatabase } from '#testing/database.ts';
import { openProxy } from '#testing/proxy.ts';
import { hasRedis, redisUrl } from '#testing/redis.ts';

const PASSWORD = 'k8Jq-zz19-Lmw2-pqx7';
const authorization = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
const log = openLog({ name: 'test', level: 'silent' });
const contracts = Object.values(catalogue);

interface Board {
  url: string;
  /** Asks as the signed-in operator. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<number | null>;
}

describe.each([
  ['PostgreSQL', () => true, openPostgresQueue],
  ['Redis', hasRedis, redisUrl],
])('the board over %s', (_, isHere, openQueue) => {
  describe.skipIf(!isHere())('as its own process', () => {
    it('shows every queue and the jobs that failed for good, and changes nothing', async () => {
      const queueUrl = await openQueue();
      await failOneJob(queueUrl);
      const board = await startBoard({ QUEUE_URL: queueUrl });
      const response = await board.ask('/api/queues?activeQueue=webhooks&status=failed');
      const { queues } = (await response.json()) as { queues: { name: string; jobs: { failedReason: string }[] }[] };
      expect(queues.map(({ name }) => name).toSorted()).toEqual(Object.keys(catalogue).toSorted());
      const failed = queues.find(({ name }) => name === 'webhooks')?.jobs ?? [];
      expect(failed.map(({ failedReason }) => failedReason)).toEqual(['job-malformed: it had to fail']);

      const write = await board.ask('/api/queues/webhooks/pause', { method: 'PUT' });
      expect(write.status).toBe(403);
      expect((await board.ask('/', { headers: { authorization: '' } })).status).toBe(401);
      const malformed = await board.ask('/queue/%ff');
      expect([malformed.status, await malformed.text()]).toEqual([400, 'Bad Request\n']);
      expect(await board.stop()).toBe(0);
    });

    it.skipIf(!hasBrowser()).each([
      ['read-only', 'yes'],
      ['writable', 'no'],
    ])('works in Chromium without breaking its own CSP, %s', async (_name, readOnly) => {
      const queueUrl = await openQueue();
      await failOneJob(queueUrl);
      const board = await startBoard({ QUEUE_URL: queueUrl, BOARD_READ_ONLY: readOnly });
      const page = await openBrowserPage({ authorization });
      onTestFinished(() => page[Symbol.asyncDispose]());
      for (const [path, expected] of [
        ['/', 'sweeps'],
        ['/queue/webhooks?status=failed', 'it had to fail'],
        ['/queue/webhooks/1', 'webhooks'],
        ['/queue/sweeps?status=delayed', 'sweeps'],
        ['/job-schedulers', 'UTC'],
      ] as const) {
        await page.goto(`${board.url}${path}`);
        await vi.waitFor(
          async () => expect(await page.evaluate('document.body.innerText')).toContain(expected),
          10_000,
        );
      }
      expect(page.complaints).toEqual([]);
    });
  });
});

describe('the board', () => {
  it('writes for its own page and for tools, not for other sites', async () => {
    const board = await startBoard({ QUEUE_URL: await openPostgresQueue(), BOARD_READ_ONLY: 'no' });
    const pause = (headers: Record<string, string>): Promise<Response> =>
      board.ask('/api/queues/webhooks/pause', { method: 'PUT', headers: { authorization, ...headers } });
    expect((await pause({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await pause({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await pause({ origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await pause({ origin: 'null' })).status).toBe(403);
    expect((await pause({ origin: board.url })).status).toBe(200);
    expect((await pause({})).status).toBe(200);
  });

  it.each([
    [
      'no',
      [
        ['board.acted', 'user', 'webhooks', 2, { method: 'PUT', path: '/api/queues/webhooks/pause', status: 200 }],
        ['board.refused', 'anonymous', null, 3, { reason: 'password-wrong' }],
        ['board.refused', 'user', 'webhooks', 1, { reason: 'site-foreign', path: '/api/queues/webhooks/pause' }],
      ],
    ],
    [
      'yes',
      [
        ['board.refused', 'anonymous', null, 3, { reason: 'password-wrong' }],
        ['board.refused', 'user', 'webhooks', 3, { reason: 'read-only', path: '/api/queues/webhooks/pause' }],
      ],
    ],
  ] as const)(
    'leaves security events of what was changed and refused, equal ones as one, where read-only is %s',
    async (readOnly, expected) => {
      const database = await openTestDatabase();
      onTestFinished(() => database[Symbol.asyncDispose]());
      await migrateQueue(database.url, contracts, { ownerUrl: database.ownerUrl });
      const board = await startBoard({ DATABASE_URL: database.url, BOARD_READ_ONLY: readOnly });
      const pause = async (headers: Record<string, string>): Promise<void> => {
        await board.ask('/api/queues/webhooks/pause?by=query', { method: 'PUT', headers });
      };
      for (let time = 0; time < 3; time += 1) await pause({ authorization: 'Basic d3Jvbmc6d3Jvbmc=' });
      await pause({});
      await pause({ authorization, 'sec-fetch-site': 'cross-site' });
      for (let time = 0; time < 2; time += 1) await pause({ authorization });
      expect((await board.ask('/api/queues')).status).toBe(200);
      expect(await board.stop()).toBe(0);
      const { rows } = await database.pool.query<{ row: unknown[] }>(`
        select json_build_array(type, actor_kind, target_id, sum(count), details - 'lastAt' - 'operator') as row
        from security_event where type like 'board.%'
        group by type, actor_kind, target_id, details - 'lastAt' - 'operator' order by type, actor_kind`);
      expect(rows).toMatchObject(expected.map((row) => ({ row })));
      const { rows: networks } = await database.pool.query('select distinct address_prefix from security_event');
      expect(networks).toEqual([{ address_prefix: '127.0.0.1/32' }]);
    },
  );

  it('lives while the queue is away, says that it is not ready, and works when the queue is there', async () => {
    const queueUrl = await openPostgresQueue();
    const proxy = await openProxy(queueUrl);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    await proxy.refuse();
    const board = await startBoard({ QUEUE_URL: proxy.through(queueUrl), METRICS_TOKEN: 'f3e1c5a7b9d2460aE' });
    const status = async (path: string): Promise<number> => (await fetch(`${board.url}${path}`)).status;
    expect(await status('/livez')).toBe(200);
    expect(await status('/readyz')).toBe(503);
    expect((await board.ask('/api/queues')).status).toBe(503);
    await proxy.accept();
    await vi.waitFor(async () => expect(await status('/readyz')).toBe(200), 5_000);
    expect((await board.ask('/api/queues')).status).toBe(200);

    expect(await (await fetch(`${board.url}/readyz`)).text()).toBe('');
    expect(await status('/metrics')).toBe(403);
    const bearer = { authorization: 'Bearer f3e1c5a7b9d2460aE' };
    const metrics = await (await fetch(`${board.url}/metrics`, { headers: bearer })).text();
    expect(metrics).toContain('portcullis_queue_jobs{queue="webhooks",state="failed"} 0');
    expect(metrics).toContain('portcullis_queue_oldest_waiting_seconds{queue="sweeps"} 0');
    proxy.silence();
    const startedMs = Date.now();
    await sleep(600);
    expect(await status('/readyz')).toBe(503);
    expect(Date.now() - startedMs).toBeLessThan(2_600);
  });

  it('does not start with faulty settings, and names each of them', async () => {
    const board = spawnBoard({ DATABASE_URL: 'mysql://x', BOARD_USER: 'a:b', BOARD_READ_ONLY: 'perhaps' });
    let said = '';
    board.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    const [code] = (await once(board, 'exit')) as [number];
    expect(code).toBe(1);
    for (const name of ['DATABASE_URL', 'BOARD_USER', 'BOARD_READ_ONLY', 'BOARD_PASSWORD'])
      expect(said).toContain(name);
  });
});

async function openPostgresQueue(): Promise<string> {
  const database = await openTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  await migrateQueue(database.url, contracts, { ownerUrl: database.ownerUrl });
  return database.url;
}

async function failOneJob(url: string): Promise<void> {
  const ringing = openQueueConnection(url, { role: 'producer', log });
  const working = openQueueConnection(url, { role: 'worker', log, consumers: 1 });
  const reader = openQueueReader(ringing, { deadlineMs: 2_000 });
  await declareSchedules(ringing, contracts);
  const consumer = consume(catalogue.webhooks, async () => {
    throw new Failure('job-malformed', { detail: 'it had to fail' });
  }).start(working, { concurrency: 1, log });
  await openProducer(ringing, { deadlineMs: 2_000 }).ring(catalogue.webhooks, { receiptIds: [newId()] });
  await vi.waitFor(async () => expect((await reader.depth(catalogue.webhooks)).failed).toBe(1), 5_000);
  await consumer.close();
  await Promise.all([ringing.close(), working.close()]);
}

function spawnBoard(settings: Record<string, string>) {
  return spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { DATABASE_URL: 'postgres://unused@127.0.0.1:1/unused', BOARD_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function startBoard(settings: Record<string, string>): Promise<Board> {
  const child = spawnBoard({ BOARD_PASSWORD: PASSWORD, ...settings });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  onTestFinished(() => void child.kill('SIGKILL'));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, port } = JSON.parse(line) as { msg: string; port: number };
      if (msg === 'board is ready') resolve(port);
    });
    child.stderr.on('data', (chunk) => reject(new Error(String(chunk))));
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    ask: (path, init = {}) => fetch(`${url}${path}`, { headers: { authorization }, ...init }),
    async stop() {
      child.kill('SIGTERM');
      const [code] = await exited;
      return code;
    },
  };
}
