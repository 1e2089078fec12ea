import { expect, it, onTestFinished } from 'vitest';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import type { RunningProcess } from '#database/heartbeat.ts';
import { openQueueConnection } from '#queue/connection.ts';
import { openQueueReader } from '#queue/reader.ts';
import { Failure } from '#runtime/failure.ts';
import { openLog } from '#runtime/log.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { overview, trafficOf } from './overview.ts';
import { callerByHeader, startApp } from './testing/start-app.ts';
import { overviewRoutes } from './routes/overview.ts';

const never = new AbortController().signal;

async function openSystem() {
  const database = await openTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const log = openLog({ name: 'test', level: 'silent' });
  const connection = openQueueConnection(database.url, { role: 'producer', log });
  onTestFinished(() => connection.close());
  const reader = openQueueReader(connection, { deadlineMs: 2_000 });
  onTestFinished(() => reader.close());
  return { database, reader };
}

it('shows everything at a glance to admins alone', async () => {
  const { database, reader } = await openSystem();
  await insertReceipts(database.pool, [receiptDraft('{}')], Date.now());
  await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
  await sealAll(database.pool, never);
  await database.pool.query(
    `insert into process_heartbeat (id, process, host, pid, started_at, beat_at, details)
     values ($1, 'worker', 'here', 7, now(), now(), '{"scanner":{"isReady":true},"clockSkewSeconds":0}')`,
    [newId()],
  );
  const app = await startApp([
    overviewRoutes({ overview: () => overview(database.pool, reader), requireCaller: callerByHeader }),
  ]);
  onTestFinished(() => app[Symbol.asyncDispose]());
  const get = (role: string): Promise<Response> => fetch(`${app.origin}/api/overview`, { headers: { 'x-role': role } });
  expect((await get('agent')).status).toBe(403);
  const response = await get('admin');
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    rates: { accepted: 0, requests: 0 },
    latencies: { ack: null, http: null },
    receipts: { open: 1, dead: 0, oldestSeconds: expect.any(Number) },
    events: { open: 0, dead: 0, oldestSeconds: 0 },
    quarantine: { bytes: 0, oldestSeconds: 0 },
    sessions: 0,
    queues: expect.arrayContaining([
      expect.objectContaining({ name: 'audit', waiting: 0, oldestWaitingSeconds: null }),
    ]),
    scanner: { isReady: true },
    processes: [{ process: 'worker', pid: 7, isAlive: true }],
    audit: { sealed: 1, unsealed: 0, intact: null },
    alerts: [],
    sweeps: [],
  });
});

it('says so while the queue is away, and shows the rest', async () => {
  const { database, reader } = await openSystem();
  const away = { ...reader, depth: () => Promise.reject(new Failure('queue-unavailable')) };
  expect(await overview(database.pool, away)).toMatchObject({ queues: null, receipts: { open: 0 } });
});

it('adds up what several processes say', () => {
  const process = (accepted: number, count: number, p50: number, p99: number): RunningProcess =>
    ({
      details: {
        traffic: {
          seconds: 10,
          receipts: { accepted, duplicate: 0, refused: 1 },
          requests: 5,
          unavailable: 0,
          ack: { count, p50, p99 },
        },
      },
    }) as unknown as RunningProcess;
  expect(trafficOf([process(3, 30, 0.002, 0.01), process(4, 10, 0.006, 0.5)])).toEqual({
    rates: { accepted: 7, duplicate: 0, refused: 2, requests: 10, unavailable: 0 },
    latencies: { ack: { p50: 0.003, p99: 0.5 }, http: null },
  });
});
