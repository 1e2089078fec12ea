import { hash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { WHATSAPP_PATH } from '../apps/ingress/testing/sending.ts';
import { startBareIngress } from './bare-ingress.ts';
import { atMost, conclude } from './conclude.ts';
import { clientsFor, loadHttp, requestBytes } from './http-load.ts';
import { peakMiB, resetPeak, residentMiB } from './peak-memory.ts';
import { conditionsOf, figuresOf, type Report } from './report.ts';
import { openStores } from './stores.ts';

const MARK_MIB = 32;
const CONNECTIONS = 32;
const WARM_UP = 2_000;
const BODY = 'x'.repeat(2_000);
/** Each may be wrong 600 times a minute before it is looked at no more. */
const NETWORKS = 250;

/** One flood: request n of it, and what it may be answered. */
interface Flood {
  name: string;
  requestOf: (n: number) => Buffer;
  answers: readonly string[];
}

const mac = hash('sha256', 'anything');
const deliveries: [path: string, headers: Record<string, string>][] = [
  [WHATSAPP_PATH, {}],
  [WHATSAPP_PATH, { 'x-hub-signature-256': 'sha256=zz' }],
  [WHATSAPP_PATH, { 'x-hub-signature-256': `sha256=${mac}` }],
  ['/api/webhooks/nobody', {}],
];
const calls: [path: string, body: string][] = [
  ['/api/auth/login', '{'],
  ['/api/auth/refresh', '{"refreshToken":"x"}'],
  ['/api/auth/login', '{"email":{"$ne":null},"password":[]}'],
  ['/nothing', '{}'],
];

const floods: Flood[] = [
  {
    name: `webhooks with wrong signatures from ${NETWORKS} networks`,
    requestOf(n) {
      const [path, headers] = deliveries[n % deliveries.length] ?? ['', {}];
      return postOf(path, BODY, { ...headers, 'x-forwarded-for': `198.18.0.${n % NETWORKS}` });
    },
    answers: ['403'],
  },
  {
    name: 'wrong calls of the API from networks without number',
    requestOf(n) {
      const [path, body] = calls[n % calls.length] ?? ['', ''];
      const address = `2001:db8:${(n & 0xffff).toString(16)}:${((n >> 8) & 0xff00).toString(16)}::1`;
      return postOf(path, body, { 'x-forwarded-for': address });
    },
    answers: ['400', '401', '404', '422'],
  },
];

function postOf(path: string, body: string, headers: Record<string, string>): Buffer {
  const about = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return Buffer.concat([requestBytes('POST', path, { ...about, ...headers }), Buffer.from(body)]);
}

interface Growth {
  /** MiB afterwards beyond those before. */
  kept: number;
  /** The same at its highest. */
  peak: number;
}

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** By how much the ingress grows under tens of thousands of bad requests. That rows and counters hold is tested. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: { record: { type: 'boolean', default: false }, requests: { type: 'string', default: '50000' } },
  });
  const requests = Number(values.requests);
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const conditions = conditionsOf({ postgres: stores.postgresVersion }, 'PostgreSQL: fsync and synchronous_commit on');
  const growths: Growth[] = [];
  for (const [index, flood] of floods.entries()) {
    const ingress = await startBareIngress(stack, stores, `flood_${index}`);
    growths.push(await growthUnder(flood, requests, ingress));
  }
  const names = floods.map(({ name }) => name);
  const figures = figuresOf(
    `${requests} bad requests`,
    names,
    growths.map((growth) => [growth]),
    [
      ['MiB kept', ({ kept }) => kept, 1],
      ['MiB at its highest', ({ peak }) => peak, 1],
    ],
  );
  delete figures.charted;
  const checks = growths.map(({ kept }, index) =>
    atMost(`MiB by which the ingress grew: ${names[index]}`, kept, MARK_MIB),
  );
  const load = { requests, warmUp: WARM_UP, connections: CONNECTIONS };
  return conclude(
    { suite: 'flood', conditions, load, figures: [figures], checks },
    values.record ? { growths } : undefined,
  );
}

async function growthUnder(
  flood: Flood,
  requests: number,
  { port, pid }: { port: number; pid: number },
): Promise<Growth> {
  await send(flood, port, 0, WARM_UP);
  resetPeak(pid);
  const [before, peakBefore] = [residentMiB(pid), peakMiB(pid)];
  await send(flood, port, WARM_UP, WARM_UP + requests);
  return { kept: residentMiB(pid) - before, peak: peakMiB(pid) - peakBefore };
}

async function send({ name, requestOf, answers }: Flood, port: number, from: number, to: number): Promise<void> {
  function* bytes(): Generator<Buffer> {
    for (let n = from; n < to; n += 1) yield requestOf(n);
  }
  const { statuses } = await loadHttp({ port, clients: clientsFor(CONNECTIONS, bytes()) });
  if (Object.keys(statuses).some((status) => !answers.includes(status))) {
    throw new Error(`${name}: answered ${JSON.stringify(statuses)}`);
  }
}
