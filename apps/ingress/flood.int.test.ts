import { hash } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { effort } from '#testing/effort.ts';
import { startProcess } from '#testing/process.ts';
import { testSecrets } from '#testing/secrets.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const PATH = '/api/whatsapp/webhook';
const WARM_UP = 1_000;
const REQUESTS = effort(5_000, 50_000);
const CONNECTIONS = 32;
const NETWORKS = 250;
/** Of one source; see libs/webhooks/refusals.ts. */
const ROWS_PER_MINUTE = 240;

const mac = hash('sha256', 'anything');
/** Ways to be wrong, in turn. */
const kinds = [
  { path: PATH, headers: {}, reason: 'signature-missing', source: 'whatsapp' },
  { path: PATH, headers: { 'x-hub-signature-256': 'sha256=zz' }, reason: 'signature-malformed', source: 'whatsapp' },
  { path: PATH, headers: { 'x-hub-signature-256': `sha256=${mac}` }, reason: 'signature-mismatch', source: 'whatsapp' },
  { path: '/api/webhooks/nobody', headers: {}, reason: 'source-unknown', source: 'unknown' },
];

async function flood(origin: string, count: number, addressOf = (n: number) => `198.18.0.${n % NETWORKS}`) {
  const statuses: Record<number, number> = {};
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      const { path, headers } = kinds[n % kinds.length]!;
      const response = await fetch(origin + path, {
        method: 'POST',
        body: 'x'.repeat(2_000),
        headers: { ...headers, 'x-forwarded-for': addressOf(n) },
      });
      await response.arrayBuffer();
      statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  return statuses;
}

it(
  `counts ${REQUESTS} bad requests exactly, while rows stay bounded`,
  { timeout: 60_000 + REQUESTS * 10 },
  async () => {
    const database = await openTestDatabase();
    onTestFinished(() => database[Symbol.asyncDispose]());
    const ingress = await startProcess('apps/ingress/main.ts', {
      env: {
        ...testSecrets,
        DATABASE_URL: database.url,
        WHATSAPP_APP_SECRET: SECRET,
        TRUST_PROXY: '127.0.0.0/8',
        METRICS_TOKEN: 'a-token-that-reads-metrics-1f2e3d',
        PORT: '0',
      },
    });
    onTestFinished(() => ingress[Symbol.asyncDispose]());

    const startedAt = performance.now();
    await flood(ingress.origin, WARM_UP);
    expect(await flood(ingress.origin, REQUESTS)).toEqual({ 403: REQUESTS });
    const minutes = Math.ceil((performance.now() - startedAt) / 60_000) + 1;

    const limited = await flood(ingress.origin, 1_000, () => '203.0.113.77');
    expect(limited[429]).toBeGreaterThan(300);
    expect(limited[403]).toBeLessThan(700);
    const total = WARM_UP + REQUESTS + (limited[403] ?? 0);

    const response = await fetch(`${ingress.origin}/metrics`, {
      headers: { authorization: 'Bearer a-token-that-reads-metrics-1f2e3d' },
    });
    const metrics = await response.text();
    const counted = [...metrics.matchAll(/^portcullis_receipts_total\{.*refused:.*\} (\d+)$/gm)];
    expect(counted).toHaveLength(kinds.length);
    expect(counted.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(total);

    ingress.kill('SIGTERM');
    expect(await ingress.ended).toBe(0);
    const { rows: events } = await database.pool.query<{ type: string; source: string; reason: string; count: number }>(
      `select type, source, details->>'reason' as reason, sum(count) as count, count(*) as rows
       from security_event where type in ('receipt.refused', 'limit.hit') group by 1, 2, 3`,
    );
    const sum = (type: string): number =>
      events.filter((event) => event.type === type).reduce((all, { count }) => all + count, 0);
    expect(sum('receipt.refused')).toBe(total);
    expect(sum('limit.hit')).toBe(limited[429]);
    for (const { source, reason } of kinds) {
      const ofKind = events.find((event) => event.source === source && event.reason === reason);
      expect(Number(ofKind?.count)).toBeGreaterThanOrEqual((WARM_UP + REQUESTS) / kinds.length);
    }

    const { rows: sizes } = await database.pool.query<{ receipts: number; events: number; largest: number }>(
      `select (select count(*) from webhook_log) as receipts, (select count(*) from security_event) as events,
         (select max(octet_length(body)) from webhook_log) as largest`,
    );
    expect(sizes[0]?.receipts).toBeGreaterThan(20);
    expect(sizes[0]?.receipts).toBeLessThanOrEqual(2 * ROWS_PER_MINUTE * minutes);
    expect(sizes[0]?.events).toBeLessThanOrEqual(2 * 512 * minutes);
    expect(sizes[0]?.largest).toBeLessThanOrEqual(4_096);
  },
);
