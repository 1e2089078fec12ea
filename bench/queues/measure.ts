import { createSecretKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf } from '../cpu.ts';
import { openDeliveries } from '../delivery.ts';
import { loadHttp, quantile, type LoadClient } from '../http-load.ts';
import { PATH, type Contestant } from './contestants.ts';

const DRAIN_LIMIT_MS = 60_000;
const POLL_MS = 25;
const LATENCY_CONNECTIONS = 8;

export interface QueueMeasure {
  acceptedPerSecond: number;
  /** From the first message sent to the last effect. */
  effectsPerSecond: number;
  /** CPU-seconds for 1,000 messages from their receipt to their effect, over all processes and stores. */
  cpuPer1000: number;
  /** Milliseconds from sending a message to its effect, at a rate that nobody has trouble with. */
  latencyP50: number;
  latencyP99: number;
}

/** A receiver with workers that write one row in `effect` for each message. */
export interface Worked extends Pick<Contestant, 'port' | 'pids' | 'effects'> {
  kind: { name: string };
}

export interface MeasureOptions {
  secret: string;
  messages: number;
  connections: number;
  /** Messages a second, and for how many seconds, to time the way to the effect. */
  pace: { perSecond: number; seconds: number };
}

export async function measureQueue(contestant: Worked, options: MeasureOptions): Promise<QueueMeasure> {
  const paced = await timePaced(contestant, options);
  const burst = await timeBurst(contestant, options);
  return { ...burst, ...paced };
}

/** The messages' keys and when each was sent, beside the requests. */
function openMessages({ port }: Worked, secret: string) {
  const next = openDeliveries(createSecretKey(secret, 'utf8'), { path: PATH, host: `127.0.0.1:${port}` });
  return (): { key: string; bytes: Buffer } => {
    const bytes = next();
    const [key = ''] = /wamid\.\w+/.exec(bytes.toString('latin1')) ?? [];
    return { key, bytes };
  };
}

/** As many messages as there are, each connection sending its next one after the last answer. */
export async function timeBurst(
  contestant: Worked,
  { secret, messages, connections }: Omit<MeasureOptions, 'pace'>,
): Promise<Pick<QueueMeasure, 'acceptedPerSecond' | 'effectsPerSecond' | 'cpuPer1000'>> {
  const next = openMessages(contestant, secret);
  const requests = Array.from({ length: messages }, () => next().bytes);
  const before = await countEffects(contestant);
  const cpu = cpuSecondsOf(contestant.pids());
  const startedAt = Date.now();
  const clients = Array.from({ length: connections }, (): LoadClient => ({ next: () => requests.pop() }));
  const { requests: sent, seconds, statuses } = await loadHttp({ port: contestant.port, clients });
  refuseAllBut200(contestant, statuses);
  await untilEffects(contestant, before + sent);
  const used = cpuSecondsOf(contestant.pids()) - cpu;
  const { rows } = await contestant.effects.query<{ last: Date }>('select max(at) as last from effect');
  const lastedMs = (rows[0]?.last.getTime() ?? Number.NaN) - startedAt;
  return {
    acceptedPerSecond: sent / seconds,
    effectsPerSecond: sent / (lastedMs / 1_000),
    cpuPer1000: (used / sent) * 1_000,
  };
}

/** PostgreSQL's clock is this machine's, so that a time of sending and one of an effect can be compared. */
async function timePaced(contestant: Worked, { secret, pace }: MeasureOptions) {
  const next = openMessages(contestant, secret);
  const before = await countEffects(contestant);
  const sentAt = new Map<string, number>();
  const clients = Array.from({ length: LATENCY_CONNECTIONS }, (): LoadClient => ({
    next() {
      const { key, bytes } = next();
      sentAt.set(key, Date.now());
      return bytes;
    },
  }));
  const paceMs = (LATENCY_CONNECTIONS * 1_000) / pace.perSecond;
  const { statuses } = await loadHttp({ port: contestant.port, clients, seconds: pace.seconds, paceMs });
  refuseAllBut200(contestant, statuses);
  await untilEffects(contestant, before + sentAt.size);
  const { rows } = await contestant.effects.query<{ key: string; at: Date }>(
    'select key, at from effect where key = any($1)',
    [[...sentAt.keys()]],
  );
  const latencies = rows.map(({ key, at }) => at.getTime() - (sentAt.get(key) ?? Number.NaN));
  const ascending = latencies.toSorted((a, b) => a - b);
  return { latencyP50: quantile(ascending, 0.5), latencyP99: quantile(ascending, 0.99) };
}

function refuseAllBut200({ kind }: Worked, statuses: Record<string, number>): void {
  if (Object.keys(statuses).some((status) => status !== '200'))
    throw new Error(`${kind.name} answered ${JSON.stringify(statuses)}`);
}

async function countEffects({ effects }: Worked): Promise<number> {
  const { rows } = await effects.query<{ effects: number }>('select count(*)::int as effects from effect');
  return rows[0]?.effects ?? 0;
}

async function untilEffects(contestant: Worked, wanted: number): Promise<void> {
  const limit = Date.now() + DRAIN_LIMIT_MS;
  for (;;) {
    const effects = await countEffects(contestant);
    if (effects >= wanted) return;
    if (Date.now() > limit) throw new Error(`${contestant.kind.name}: ${effects} of ${wanted} effects`);
    await sleep(POLL_MS);
  }
}
