import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createSecretKey } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { activeAlerts } from '#audit/alert.ts';
import type { AlertRule } from '#audit/alert-rules.ts';
import { record, type SecurityEvent } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { verifyRegularly } from '#audit/verification.ts';
import { openHeartbeat } from '#database/heartbeat.ts';
import { openLog } from '#runtime/log.ts';
import { newId } from '#runtime/id.ts';
import { openOutbound } from '#runtime/outbound.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runAs } from '#testing/database-template.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { openAlertMetrics } from './alert-metrics.ts';
import { openTrail, type Trail } from './open-trail.ts';

const never = new AbortController().signal;
const log = openLog({ name: 'test', level: 'silent' });
const outbound = openOutbound({ allowPrivate: true });
afterAll(() => outbound.close());

let database: TestDatabase;
let registry: Registry;
let trail: Trail;
beforeEach(async () => {
  database = await openTestDatabase();
  registry = new Registry();
  trail = openTrail({ pool: database.pool, outbound, config: {}, metrics: openAlertMetrics(registry), log });
});
afterEach(() => database[Symbol.asyncDispose]());

const active = async () => (await activeAlerts(database.pool)).map(({ rule, subject }) => `${rule} ${subject}`);
const sql = (statement: string) => runAs(database.superuserUrl, `set session_replication_role = replica; ${statement}`);

describe('acts that are a reason for an alert', () => {
  it.each([
    ['refresh.reused', 'refresh-reused'],
    ['login.sprayed', 'login-sprayed'],
    ['login.locked', 'login-locked'],
    ['login.attacked', 'login-attacked'],
    ['upload.failed', 'upload-failed'],
    ['upload.infected', 'upload-infected'],
    ['upload.tampered', 'upload-tampered'],
  ] as const)('%s', async (type, rule) => {
    const event: SecurityEvent = { type, actorKind: 'system', targetKind: 'thing', targetId: 'x' };
    await record(database.pool, [event, { ...event, type: 'login.failed' }]);
    await trail.tend(never);
    expect(await active()).toEqual([`${rule} x`]);
    expect(await registry.metrics()).toContain(`portcullis_alerts_raised_total{rule="${rule}"} 1`);
    await trail.tend(never);
    await trail.tend(never);
    const { rows } = await database.pool.query("select count(*) from security_event where type = 'alert.raised'");
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('alerts of nothing that is long over', async () => {
    await record(database.pool, [{ type: 'refresh.reused', actorKind: 'system' }]);
    await sql("update security_event set recorded_at = now() - interval '2 days'");
    await trail.tend(never);
    expect(await active()).toEqual([]);
  });
});

describe('states that are a reason for an alert, and their end', () => {
  const accepted = () => insertReceipts(database.pool, [receiptDraft('{}', { source: 'shop' })], Date.now());
  const refused = (count: number) =>
    insertReceipts(
      database.pool,
      Array.from({ length: count }, () =>
        receiptDraft('{}', { source: 'shop', verdict: 'refused:signature-mismatch', dedupeKey: undefined }),
      ),
      Date.now(),
    );
  const beat = async (details: Record<string, unknown>): Promise<void> => {
    await database.pool.query('delete from process_heartbeat');
    await database.pool.query(
      `insert into process_heartbeat (id, process, host, pid, started_at, beat_at, details)
       values ($1, 'worker', 'here', 1, now(), now(), $2)`,
      [newId(), { clockSkewSeconds: 0, ...details }],
    );
  };
  const rows: [AlertRule, string, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['secret-drifted', 'shop', () => refused(5), accepted],
    [
      'receipts-late',
      'receipts',
      async () => {
        await accepted();
        await sql("update webhook_log set received_at = now() - interval '61 seconds'");
      },
      () => sql("update webhook_log set state = 'done'"),
    ],
    [
      'rows-dead',
      'receipts',
      async () => {
        await accepted();
        await sql("update webhook_log set state = 'dead'");
      },
      () => sql("update webhook_log set state = 'done'"),
    ],
    [
      'scanner-away',
      'scanner',
      () => beat({ scanner: { isReady: false, why: 'away', sinceSeconds: 121, signatures: null } }),
      () => beat({ scanner: { isReady: true, why: null, sinceSeconds: 1, signatures: 'v' } }),
    ],
    ['clock-skewed', 'here', () => beat({ clockSkewSeconds: -2.5 }), () => beat({ clockSkewSeconds: 0.1 })],
    [
      'seals-late',
      'seals',
      async () => {
        await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
        await sql("update security_event set recorded_at = now() - interval '61 seconds'");
      },
      () => sealAll(database.pool, never),
    ],
    [
      'sweep-overdue',
      'receipts',
      () => sql("insert into sweep_run (name, begun_at) values ('receipts', now() - interval '121 minutes')"),
      () => sql('update sweep_run set succeeded_at = now()'),
    ],
    [
      'forward-failing',
      'forward',
      () => sql("insert into audit_cursor (name, failures) values ('forward', 5)"),
      () => sql('update audit_cursor set failures = 0'),
    ],
    [
      'chain-broken',
      'chain',
      async () => {
        await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
        await sealAll(database.pool, never);
        await sql('update security_event set count = 2');
        await verifyRegularly(database.pool, never);
      },
      async () => {
        await sql('update security_event set count = 1; delete from audit_verification');
        await verifyRegularly(database.pool, never);
      },
    ],
  ];

  it.each(rows)('%s: %s', async (rule, subject, begin, end) => {
    await trail.judge(never);
    expect(await active()).toEqual([]);
    await begin();
    await trail.judge(never);
    expect(await active()).toEqual([`${rule} ${subject}`]);
    await end();
    await trail.judge(never);
    expect(await active()).toEqual([]);
  });

  it('is quiet about a few wrong signatures', async () => {
    await refused(4);
    await trail.judge(never);
    expect(await active()).toEqual([]);
  });
});

it('finds out the network of an event, and keeps it beside the chain', async () => {
  await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous', addressPrefix: '203.0.113.9/32' }]);
  await trail.tend(never);
  const { rows } = await database.pool.query('select device, network from audit_context');
  expect(rows).toEqual([{ device: null, network: '203.0.113.0/24' }]);
});

it('posts alerts to their receiver, and every event to the other', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(`${request.url} ${[...body.matchAll(/"type":"(\w+\.\w+)"/g)].map(([, type]) => type).join()}`);
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = createSecretKey(Buffer.alloc(32, 7));
  const config = { AUDIT_URL: `${origin}/audit`, AUDIT_SECRET: key, ALERT_URL: `${origin}/alert`, ALERT_SECRET: key };
  const forwarding = openTrail({
    pool: database.pool,
    outbound,
    config,
    metrics: openAlertMetrics(new Registry()),
    log,
  });
  await record(database.pool, [{ type: 'refresh.reused', actorKind: 'system', targetId: 's' }]);
  await forwarding.tend(never);
  await forwarding.tend(never);
  while (await forwarding.forward(never));
  expect(bodies).toEqual(['/audit refresh.reused,alert.raised', '/alert alert.raised']);
});

it('lists the processes that beat', async () => {
  const heartbeat = openHeartbeat({
    pool: database.pool,
    process: 'worker',
    describe: () => ({ queues: [] }),
    onError: (error) => {
      throw error;
    },
  });
  const count = async () =>
    (await database.pool.query<{ n: number }>('select count(*) as n from process_heartbeat')).rows[0]?.n;
  await expect.poll(count).toBe(1);
  await heartbeat.close();
  expect(await count()).toBe(0);
});
