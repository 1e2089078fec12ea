import { runCommand } from '../../libs/testing/redis-command.ts';
import { measure, type Measure } from '../access/measure.ts';
import { timeBurst } from '../queues/measure.ts';
import { measureAcks, type Measure as AckMeasure } from '../webhooks/measure.ts';
import type { Place } from './place.ts';

const WARM_UP_SECONDS = 1;
const WARM_UP_MESSAGES = 600;
const CONNECTIONS = 64;

type Burst = Awaited<ReturnType<typeof timeBurst>>;

/** One list of rounds for each place, in their order. */
export type Rounds<M> = M[][];

async function inRounds<P, M>(
  title: string,
  rounds: number,
  places: readonly P[],
  once: (place: P) => Promise<M>,
): Promise<Rounds<M>> {
  const measures: Rounds<M> = places.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, place] of places.entries()) measures[index]?.push(await once(place));
    console.log(`${title}: round ${round + 1} of ${rounds}`);
  }
  return measures;
}

/** Acknowledgements while nobody works on what was acknowledged. */
export async function ackRounds(
  places: readonly Place[],
  { secret, rounds, seconds }: { secret: string; rounds: number; seconds: number },
): Promise<Rounds<AckMeasure>> {
  const order = { secret, connections: CONNECTIONS };
  const load = ({ size, port, pids }: Place, lasts: number): Promise<AckMeasure> =>
    measureAcks({ name: `${size} rows`, port, pids }, { ...order, seconds: lasts });
  for (const place of places) await load(place, WARM_UP_SECONDS);
  const measures = await inRounds('acknowledgements', rounds, places, (place) => load(place, seconds));
  for (const place of places) await forgetOpen(place);
  return measures;
}

/** What is open is closed without work, and the jobs for it are dropped. */
export async function forgetOpen({ pool, urls }: Place): Promise<void> {
  await runCommand(urls.redisUrl, 'FLUSHDB');
  for (let closed = 1; closed > 0;) {
    const { rowCount } = await pool.query(
      `update webhook_log set state = 'done', next_check_at = null, closed_at = now()
       where id in (select id from webhook_log where state = 'open' order by next_check_at limit 2000)`,
    );
    closed = rowCount ?? 0;
  }
}

export async function visitRounds(
  places: readonly Place[],
  kind: 'refreshes' | 'polls',
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Rounds<Measure>> {
  for (const place of places) await measure(place[kind], WARM_UP_SECONDS);
  return inRounds(kind, rounds, places, (place) => measure(place[kind], seconds));
}

/** From the receipt to the effect, with so many workers at each place. */
export async function burstRounds(
  places: readonly Place[],
  { secret, rounds, messages, workers }: { secret: string; rounds: number; messages: number; workers: number },
): Promise<Rounds<Burst>> {
  await using stack = new AsyncDisposableStack();
  const worked = [];
  for (const place of places) {
    const pids = [...place.pids, ...(await place.startWorkers(stack, workers))];
    worked.push({ kind: { name: `${place.size} rows` }, port: place.port, effects: place.pool, pids: () => pids });
  }
  const order = { secret, connections: CONNECTIONS };
  for (const each of worked) await timeBurst(each, { ...order, messages: WARM_UP_MESSAGES });
  // Before the workers are stopped.
  return await inRounds(`to the effect, ${workers} workers`, rounds, worked, (each) =>
    timeBurst(each, { ...order, messages }),
  );
}
