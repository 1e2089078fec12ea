import { createHmac } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { startProcess } from '#testing/process.ts';
import { openProxy, type Proxy } from '#testing/proxy.ts';
import { testSecrets } from '#testing/secrets.ts';
import { startIngress } from './testing/start-ingress.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const OTHER_SECRET = '1a0b2c3d4e5f60718293a4b5c6d7e8f9';
const SPOOLED = '/api/wooalerts-webhook';
const NOT_SPOOLED = '/api/whatsapp/webhook';

let database: TestDatabase;
let proxy: Proxy;
let env: Record<string, string>;

function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

beforeEach(async () => {
  database = closing(await openTestDatabase());
  proxy = closing(await openProxy(database.url));
  env = {
    ...testSecrets,
    DATABASE_URL: proxy.through(database.url),
    DATA_DIR: mkdtempSync(join(inject('services').scratch, 'outage-')),
    WOOALERTS_WEBHOOK_SECRET: SECRET,
    WHATSAPP_APP_SECRET: OTHER_SECRET,
    PORT: '0',
  };
});

interface Acknowledged {
  status: number;
  id: string | null;
  verdict: string | null;
}

async function send(origin: string, body: string, path = SPOOLED): Promise<Acknowledged> {
  const secret = path === SPOOLED ? SECRET : OTHER_SECRET;
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const name = path === SPOOLED ? 'x-wooalerts-signature' : 'x-hub-signature-256';
  const headers = { [name]: `sha256=${signature}` };
  const response = await fetch(origin + path, { method: 'POST', body, headers });
  await response.arrayBuffer();
  const { headers: answered, status } = response;
  return { status, id: answered.get('x-receipt-id'), verdict: answered.get('x-receipt-verdict') };
}

async function untilStored(count: number): Promise<{ id: string; body: string; duplicates: number }[]> {
  for (let tries = 0; ; tries += 1) {
    const { rows } = await database.pool.query(
      "select id, convert_from(body, 'UTF8') as body, duplicates from webhook_log order by id",
    );
    if (rows.length >= count) return rows;
    if (tries > 100) throw new Error(`${rows.length} of ${count} receipts are stored`);
    await sleep(100);
  }
}

async function readiness(origin: string): Promise<{ code: number; status: string; checks: Record<string, string> }> {
  await sleep(600);
  const response = await fetch(`${origin}/readyz`);
  return { code: response.status, ...((await response.json()) as { status: string; checks: Record<string, string> }) };
}

const away = {
  refused: () => proxy.refuse(),
  'accepting connections and silent': async () => {
    proxy.silence();
    await Promise.resolve();
  },
};

describe.each(Object.entries(away))('while PostgreSQL is %s', (_how, leave) => {
  it('keeps acknowledging for sources with a spool, in time, and stores all of it afterwards', async () => {
    const ingress = closing(await startIngress(env));
    expect(await send(ingress.origin, 'before')).toMatchObject({ status: 200 });
    await leave();
    const startedAt = performance.now();
    const first = await send(ingress.origin, 'during 0');
    expect(performance.now() - startedAt).toBeLessThan(1_700);
    expect(first).toMatchObject({ status: 200, verdict: null });
    const bodies = Array.from({ length: 200 }, (_, n) => `during ${n + 1}`);
    const answers = await Promise.all(bodies.map((body) => send(ingress.origin, body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await proxy.accept();
    const stored = await untilStored(202);
    expect(stored.map(({ body }) => body)).toEqual(expect.arrayContaining(['before', 'during 0', ...bodies]));
    expect(stored.map(({ id }) => id)).toEqual(expect.arrayContaining([first.id, ...answers.map(({ id }) => id)]));
    expect(await send(ingress.origin, 'after')).toMatchObject({ status: 200 });
    expect(ingress.logged()).not.toContain('during 7');
  });
});

it('answers 503 for the other sources, and shows what it does in /readyz and in the metrics', async () => {
  const ingress = closing(await startIngress(env));
  expect(await readiness(ingress.origin)).toMatchObject({ code: 200, status: expect.stringMatching(/ready|degraded/) });
  await proxy.refuse();
  expect(await send(ingress.origin, 'x', NOT_SPOOLED)).toMatchObject({ status: 503, id: null });
  expect(await send(ingress.origin, 'y')).toMatchObject({ status: 200 });
  expect(await readiness(ingress.origin)).toMatchObject({
    code: 200,
    status: 'degraded',
    checks: { database: 'away', spool: 'away', store: 'ok' },
  });
  const metrics = await (await fetch(`${ingress.origin}/metrics`)).text();
  expect(metrics).toMatch(/^portcullis_spooled_receipts_total\{source="wooalerts"\} 1$/m);
  expect(metrics).toMatch(/^portcullis_spool_bytes [1-9]\d*$/m);
  await proxy.accept();
  await untilStored(1);
  expect(await readiness(ingress.origin)).toMatchObject({ code: 200, checks: { database: 'ok', spool: 'ok' } });
});

it('takes copies for what they are, before, during and after', async () => {
  const ingress = closing(await startIngress(env));
  const before = await send(ingress.origin, 'early');
  await proxy.refuse();
  const late = await Promise.all(Array.from({ length: 20 }, () => send(ingress.origin, 'late')));
  expect(new Set(late.map(({ id }) => id)).size).toBe(1);
  expect(await send(ingress.origin, 'early')).toMatchObject({ status: 200 });
  await proxy.accept();
  await untilStored(2);
  await sleep(1_200);
  expect(await send(ingress.origin, 'late')).toMatchObject({ verdict: 'duplicate', id: late[0]?.id });
  expect(await untilStored(2)).toEqual([
    { id: before.id, body: 'early', duplicates: 1 },
    { id: late[0]?.id, body: 'late', duplicates: 20 },
  ]);
});

it('answers 503 once the spool is full, is unready then, and has kept what it acknowledged', async () => {
  const ingress = closing(await startIngress({ ...env, SPOOL_MAX_BYTES: '1048576' }));
  await proxy.refuse();
  const answers: Acknowledged[] = [];
  for (let n = 0; n < 40; n += 1) answers.push(await send(ingress.origin, `${n} `.repeat(20_000)));
  const kept = answers.filter(({ status }) => status === 200);
  expect(kept.length).toBeGreaterThan(5);
  expect(kept.length).toBeLessThan(40);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
  for (let n = 0; n < 40; n += 1) await send(ingress.origin, `small ${n} `.repeat(1_000));
  expect(await readiness(ingress.origin)).toMatchObject({ code: 503, checks: { store: 'away' } });
  await proxy.accept();
  const stored = await untilStored(kept.length);
  expect(stored.map(({ id }) => id)).toEqual(expect.arrayContaining(kept.map(({ id }) => id)));
});

it('starts without PostgreSQL, spools, is killed, and its successor stores all that was acknowledged', async () => {
  await proxy.refuse();
  const first = closing(await startProcess('apps/ingress/main.ts', { env }));
  const acknowledged: string[] = [];
  const sending = Array.from({ length: 16 }, async (_, lane) => {
    for (let n = 0; ; n += 1) {
      const answer = await send(first.origin, `lane ${lane} number ${n}`).catch(() => undefined);
      if (answer === undefined) return;
      if (answer.status === 200 && answer.id !== null) acknowledged.push(answer.id);
    }
  });
  await sleep(1_000);
  first.kill('SIGKILL');
  await Promise.all(sending);
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(readdirSync(join(env['DATA_DIR'] ?? '', 'spool'))).toHaveLength(1);

  await proxy.accept();
  closing(await startProcess('apps/ingress/main.ts', { env }));
  const stored = await untilStored(acknowledged.length);
  expect(stored.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
  expect(new Set(stored.map(({ body }) => body)).size).toBe(stored.length);
});

it('leaves the spool where it is on SIGTERM, and the next process drains it', async () => {
  await proxy.refuse();
  const first = closing(await startProcess('apps/ingress/main.ts', { env }));
  const { id } = await send(first.origin, 'a canary in the spool');
  first.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  const files = readdirSync(join(env['DATA_DIR'] ?? '', 'spool'), { recursive: true, encoding: 'utf8' });
  const segment = files.find((name) => name.endsWith('.seg')) ?? '';
  expect(readFileSync(join(env['DATA_DIR'] ?? '', 'spool', segment), 'utf8')).toContain('a canary in the spool');
  await proxy.accept();
  closing(await startProcess('apps/ingress/main.ts', { env }));
  expect(await untilStored(1)).toMatchObject([{ id, body: 'a canary in the spool' }]);
});
