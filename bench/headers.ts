import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { migrateDatabase, startServer } from './servers.ts';
import { judge } from './peers/observatory.mjs';
import { conditionsOf, versionsOf, writeResults, type Check, type Figures, type Report } from './report.ts';
import { table } from './statistics.ts';
import { openStores } from './stores.ts';

const HOSTNAME = 'in.example.com';
const CLIENT_URL = 'https://app.example.com';
/** Points of MDN's HTTP Observatory that answers of each kind must reach. */
const MARKS = { API: 125, page: 125, board: 120 };

interface Target {
  kind: keyof typeof MARKS;
  name: string;
  url: string;
  init?: RequestInit;
}

interface Finding {
  test: string;
  result: string;
  modifier: number;
}

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** How MDN's HTTP Observatory judges what we answer, as if over TLS. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({ args, options: { record: { type: 'boolean', default: false } } });
  await using stack = new AsyncDisposableStack();
  const targets = await startTargets(stack);
  const judged = [];
  for (const target of targets) judged.push({ ...target, ...(await judgementOf(target)) });
  const rows = judged.map(({ kind, name, score, findings }) => [
    `${kind}: ${name}`,
    String(score),
    String(MARKS[kind]),
    findings
      .filter(({ modifier }) => modifier !== 0)
      .map(({ test, modifier }) => `${test} ${modifier > 0 ? '+' : ''}${modifier}`)
      .join(', '),
  ]);
  const summary = table(['answer', 'score', 'required', 'what counted'], rows);
  console.log(`\n${summary}\n`);
  const conditions = conditionsOf(versionsOf('@mdn/mdn-http-observatory'), 'does not matter');
  if (values.record) writeResults('headers', { ...conditions, judged });
  const checks = judged.map(({ kind, name, score }): Check => ({
    title: `points of ${kind}: ${name} (>= ${MARKS[kind]})`,
    value: score,
    passes: score >= MARKS[kind],
  }));
  const passes = checks.every((check) => check.passes);
  console.log(`${passes ? 'passed' : 'FAILED'}: every answer reaches what is required of its kind`);
  const figures: Figures = {
    title: 'answer',
    columns: [
      { title: 'score', digits: 0 },
      { title: 'required', digits: 0 },
    ],
    rows: judged.map(({ kind, name, score }) => ({ name: `${kind}: ${name}`, values: [score, MARKS[kind]] })),
  };
  return { suite: 'headers', conditions, load: {}, figures: [figures], checks, passes };
}

async function startTargets(stack: AsyncDisposableStack): Promise<Target[]> {
  const stores = await openStores(stack);
  const { url, ownerUrl } = await stores.database('headers');
  const stored = { DATABASE_URL: url, LOG_LEVEL: 'warn', DATA_DIR: join(stores.scratch, 'headers') };
  await migrateDatabase({ ...stored, MIGRATE_DATABASE_URL: ownerUrl });
  const secret = (): string => randomBytes(24).toString('hex');
  const ingress = await startServer(stack, 'apps/ingress/main.ts', {
    ...stored,
    WHATSAPP_APP_SECRET: secret(),
    SESSION_SECRET: secret(),
    CSRF_SECRET: secret(),
    PUBLIC_URL: `https://${HOSTNAME}`,
    CLIENT_URL,
  });
  const [user, password] = ['admin', secret()];
  const board = await startServer(stack, 'apps/board/main.ts', {
    ...stored,
    QUEUE_URL: stores.redis(3),
    BOARD_PASSWORD: password,
    TRUST_PROXY: '127.0.0.1/32',
  });
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const api = `http://127.0.0.1:${ingress.port}`;
  return [
    { kind: 'API', name: '401', url: `${api}/api/auth/me` },
    { kind: 'API', name: 'public keys', url: `${api}/.well-known/jwks.json` },
    {
      kind: 'API',
      name: 'a refused webhook',
      url: `${api}/api/whatsapp/webhook`,
      init: { method: 'POST', body: '{}' },
    },
    { kind: 'page', name: 'the console', url: `${api}/console/` },
    {
      kind: 'board',
      name: 'its page',
      url: `http://127.0.0.1:${board.port}/`,
      init: { headers: { authorization: basic, 'x-forwarded-proto': 'https' } },
    },
  ];
}

async function judgementOf({ kind, url, init }: Target): Promise<{ score: number; findings: Finding[] }> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const isPage = response.headers.get('content-type')?.startsWith('text/html') === true;
  if (kind !== 'API' && !isPage) throw new Error(`${url} is no page; npm run bench builds the console`);
  return judge({
    hostname: HOSTNAME,
    path: new URL(url).pathname,
    status: response.status,
    headers: Object.fromEntries(response.headers),
    setCookies: response.headers.getSetCookie(),
    text: await response.text(),
  });
}
