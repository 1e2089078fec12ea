import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { effort, limitFor } from '#testing/effort.ts';
import { startProcess } from '#testing/process.ts';
import { testSecrets } from '#testing/secrets.ts';
import { openSender, sendAtRate } from './testing/sending.ts';

const [OLD, NEW] = ['9f8e7d6c5b4a39281706f5e4d3c2b1a0', '0a1b2c3d4e5f60718293a4b5c6d7e8f9'];
const PER_SECOND = 300;
const CONNECTIONS = 64;

function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

function sender() {
  const opened = openSender(CONNECTIONS);
  onTestFinished(() => opened.close());
  return opened;
}

it(
  `loses nothing when it is told to stop under ${PER_SECOND} requests a second, and answers nothing but 200`,
  { timeout: limitFor(120_000) },
  async () => {
    const database = closing(await openTestDatabase());
    const env = { ...testSecrets, DATABASE_URL: database.url, WHATSAPP_APP_SECRET: OLD, PORT: '0' };
    const { post } = sender();
    const acknowledged: string[] = [];
    for (let round = 0; round < effort(2, 10); round += 1) {
      const ingress = closing(await startProcess('apps/ingress/main.ts', { env }));
      const over = new AbortController();
      const sending = sendAtRate(PER_SECOND, over.signal, (n) => post(ingress.origin, `{"n":"${round} ${n}"}`, OLD));
      await sleep(1_500 + Math.random() * 300);
      ingress.kill('SIGTERM');
      expect(await ingress.ended).toBe(0);
      over.abort();
      const sent = await sending;
      expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([200, undefined]));
      acknowledged.push(...sent.filter(({ status }) => status === 200).map(({ receiptId }) => receiptId ?? ''));
    }
    expect(acknowledged.length).toBeGreaterThan(300);
    const { rows } = await database.pool.query<{ id: string }>('select id from webhook_log');
    const stored = new Set(rows.map(({ id }) => id));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  },
);

it(
  'refuses nothing while a secret is changed under load, one process after the other',
  { timeout: 60_000 },
  async () => {
    const database = closing(await openTestDatabase());
    const start = (secrets: string) =>
      startProcess('apps/ingress/main.ts', {
        env: { ...testSecrets, DATABASE_URL: database.url, WHATSAPP_APP_SECRET: secrets, PORT: '0' },
      });
    const { post } = sender();
    const first = closing(await start(`old:${OLD}`));
    let { origin } = first;
    let secretOf = (_n: number): string => OLD;
    const over = new AbortController();
    const sending = sendAtRate(PER_SECOND, over.signal, (n) => post(origin, `{"n":${n}}`, secretOf(n)));

    const second = closing(await start(`new:${NEW},old:${OLD}`));
    ({ origin } = second);
    await sleep(100);
    first.kill('SIGTERM');
    // The sender's own machines change over one by one.
    secretOf = (n) => (n % 2 === 0 ? OLD : NEW);
    await sleep(700);
    secretOf = () => NEW;
    const third = closing(await start(`new:${NEW}`));
    ({ origin } = third);
    await sleep(500);
    over.abort();

    const sent = await sending;
    expect(sent.length).toBeGreaterThan(PER_SECOND);
    expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([200]));
    const { rows } = await database.pool.query<{ verdict: string; secret_label: string }>(
      'select verdict, secret_label from webhook_log group by 1, 2 order by 2',
    );
    expect(rows).toEqual([
      { verdict: 'accepted', secret_label: 'new' },
      { verdict: 'accepted', secret_label: 'old' },
    ]);
  },
);
