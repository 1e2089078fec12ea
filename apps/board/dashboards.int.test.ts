import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { startProcess, type TestProcess } from '#testing/process.ts';
import { readPromql } from '#testing/promql.ts';
import { repository } from '#testing/repository.ts';
import { testSecrets } from '#testing/secrets.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
/** Given by Prometheus to whatever it scrapes. */
const TARGET_LABELS = new Set(['job', 'instance']);

interface Dashboard {
  panels: { title: string; type: string; targets?: { expr: string; legendFormat: string }[] }[];
}
interface Rules {
  groups: {
    rules: { alert: string; expr: string; labels: { severity: string }; annotations: { summary: string } }[];
  }[];
}

const dashboard = JSON.parse(readFileSync(`${repository}/docs/ops/grafana-dashboard.json`, 'utf8')) as Dashboard;
const rules = parse(readFileSync(`${repository}/docs/ops/prometheus-rules.yml`, 'utf8')) as Rules;
const panels = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));
const alerts = rules.groups.flatMap((group) => group.rules);
const expressions = [
  ...panels.map(({ title, expr }) => ({ name: title, expr })),
  ...alerts.map(({ alert, expr }) => ({ name: alert, expr })),
];

/** Labels of what a healthy system without a scanner has no sample of. */
const rare: Record<string, string[]> = {
  portcullis_scan_seconds: ['le', 'status'],
  portcullis_unavailable_total: ['cause'],
};
const SUFFIX = /_(?:bucket|sum|count)$/;

let database: TestDatabase;
const processes: TestProcess[] = [];
/** The names that a live system shows, with the labels their samples have. */
const shown = new Map<string, Set<string>>();

beforeAll(async () => {
  database = await openTestDatabase();
  const env = { DATABASE_URL: database.url, WHATSAPP_APP_SECRET: SECRET, ...testSecrets };
  const ingress = await startProcess('apps/ingress/main.ts', { env: { ...env, PORT: '0' } });
  processes.push(ingress);
  processes.push(await startProcess('apps/worker/main.ts', { env: { ...env, WORKER_PORT: '0' } }));
  const board = { ...env, BOARD_PORT: '0', BOARD_PASSWORD: 'b0ard-passw0rd-of-the-test' };
  processes.push(await startProcess('apps/board/main.ts', { env: board }));
  await use(ingress.origin);
  for (const [name, labels] of await scrape()) shown.set(name, labels);
}, 60_000);
afterAll(async () => {
  for (const process of processes) await process[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Makes every kind of sample that a healthy system has. */
async function use(origin: string): Promise<void> {
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [] });
  const signature = createHmac('sha256', SECRET).update(body).digest('hex');
  const url = `${origin}/api/whatsapp/webhook`;
  await fetch(url, { method: 'POST', body, headers: { 'x-hub-signature-256': `sha256=${signature}` } });
  await fetch(url, { method: 'POST', body });
  await fetch(`${origin}/api/overview`);
  const login = JSON.stringify({ email: 'nobody@example.com', password: 'wrong wrong wrong' });
  await fetch(`${origin}/api/auth/login`, {
    method: 'POST',
    body: login,
    headers: { 'content-type': 'application/json' },
  });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${origin}/api/auth/refresh`, { method: 'POST', body: '{"refreshToken":"x"}', headers });
  await database.pool.query(
    `insert into sweep_run (name, begun_at, succeeded_at) values ('receipts', now(), now())
     on conflict (name) do update set succeeded_at = now()`,
  );
  await database.pool.query("insert into audit_cursor (name) values ('forward')");
  await database.pool.query(
    "insert into audit_verification (name, checked_at, through_seal, events) values ('whole', now(), 0, 0)",
  );
}

async function scrape(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const { origin } of processes) {
    const response = await fetch(`${origin}/metrics`);
    for (const line of (await response.text()).split('\n')) {
      const [, type] = /^# TYPE (\S+) /.exec(line) ?? [];
      const [, name, labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
      const known = type ?? name;
      if (known === undefined) continue;
      const names = found.get(known) ?? new Set();
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) names.add(label);
      found.set(known, names);
    }
  }
  return found;
}

/** Of a histogram only its own name has a type while it has no sample. */
const knownName = (metric: string): string | undefined =>
  [metric, metric.replace(SUFFIX, '')].find((name) => shown.has(name));

describe.each(expressions)('$name: $expr', ({ expr }) => {
  const use = readPromql(expr.replaceAll(/\$__(?:rate_interval|range)/g, '5m'));

  it('asks for metrics that a live system shows', () => {
    expect(use.metrics.size).toBeGreaterThan(0);
    for (const metric of use.metrics) expect([metric, knownName(metric)]).toEqual([metric, expect.any(String)]);
  });

  it('asks for labels that they have', () => {
    const metrics = [...use.metrics];
    const labels = new Set(
      metrics.flatMap((metric) => [...(shown.get(metric) ?? shown.get(knownName(metric) ?? '') ?? [])]),
    );
    for (const metric of metrics) for (const label of rare[metric.replace(SUFFIX, '')] ?? []) labels.add(label);
    for (const label of use.labels) expect([...labels, ...TARGET_LABELS]).toContain(label);
  });
});

it('shows the labels that legends name', () => {
  for (const { title, expr, legendFormat } of panels) {
    const { labels } = readPromql(expr.replaceAll(/\$__(?:rate_interval|range)/g, '5m'));
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      expect([title, [...labels]]).toEqual([title, expect.arrayContaining([label])]);
  }
});

it('has every metric of ours on the dashboard or in a rule, or on the list of those that are for looking closer', () => {
  const used = new Set(
    expressions.flatMap(({ expr }) =>
      [...readPromql(expr.replaceAll(/\$__\w+/g, '5m')).metrics].map((metric) => metric.replace(SUFFIX, '')),
    ),
  );
  const ours = [...shown.keys()].filter((name) => name.startsWith('portcullis_') && !SUFFIX.test(name));
  const closer = [
    'portcullis_chain_checked_timestamp_seconds',
    'portcullis_chain_events',
    'portcullis_jobs_running',
    'portcullis_oldest_unscanned_seconds',
  ];
  const unused = ours.filter((name) => !used.has(name));
  expect(unused.toSorted()).toEqual(closer);
});

describe('the rules', () => {
  it.each(alerts)('$alert says how grave it is and what is wrong', ({ alert, labels, annotations }) => {
    expect(alert).toMatch(/^Portcullis[A-Z]\w+$/);
    expect(['warning', 'critical']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/[.?]$/);
  });

  it('are named once', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });
});

describe('the reader of expressions', () => {
  it.each(['sum(a', 'sum(a))', 'nosuch(a)', 'a{b}', 'a{b=c}', 'a ~ b'])('refuses %s', (expression) => {
    expect(() => readPromql(expression)).toThrow(/in|malformed|unreadable/);
  });
});
