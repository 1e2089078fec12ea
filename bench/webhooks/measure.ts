import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from '../contestants.ts';
import { cpuSecondsOf, cpuSecondsOfMachine } from '../cpu.ts';
import { bodySizes, bytesOf, type BodySize } from '../delivery.ts';
import { openGenerator } from '../generator.ts';
import type { LoadResult } from '../load.ts';

export const PATH = '/api/whatsapp/webhook';

const REST_MS = 500;
/** Requests made ready for a second of load, as far as memory allows; what is missing is made while loading. */
const PREPARED_PER_SECOND = 12_000;
const PREPARED_BYTES = 512 * 1024 * 1024;

export interface Measure extends LoadResult {
  /** Share of the requests that were not answered 200. */
  refused: number;
  /** Of those that were. */
  perSecond: number;
  /** CPU-seconds for 1,000 requests, over the server and the stores it uses. */
  cpuPer1000: number;
  /** Share of the machine that neither these nor the generator took. */
  othersBusy: number;
}

export interface MeasureOrder {
  secret: string;
  connections: number;
  seconds: number;
  size?: BodySize;
  /** Whether answers other than 200 are figures too, where there is more to take in than can be. */
  mayRefuse?: boolean;
}

/** @throws Error if nothing was answered 200, or not everything where nothing may be refused. */
export async function measureAcks(
  { name, port, pids }: Pick<Contestant, 'name' | 'port' | 'pids'>,
  { size = bodySizes.message, mayRefuse = false, ...order }: MeasureOrder,
): Promise<Measure> {
  using generator = openGenerator();
  let [before, after, machine] = [0, 0, 0];
  const prepared = Math.min(order.seconds * PREPARED_PER_SECOND, Math.floor(PREPARED_BYTES / bytesOf(size)));
  const result = await generator.load(
    { ...order, path: PATH, size, port, prepared },
    {
      before: () => {
        before = cpuSecondsOf(pids);
        machine = cpuSecondsOfMachine();
      },
      after: () => {
        after = cpuSecondsOf(pids);
        machine = cpuSecondsOfMachine() - machine;
      },
    },
  );
  const accepted = result.statuses['200'] ?? 0;
  if (accepted === 0 || (accepted < result.requests && !mayRefuse)) {
    throw new Error(`${name} answered ${JSON.stringify(result.statuses)}`);
  }
  await sleep(REST_MS);
  return {
    ...result,
    refused: 1 - accepted / result.requests,
    perSecond: accepted / result.seconds,
    cpuPer1000: ((after - before) / accepted) * 1_000,
    othersBusy: Math.max(0, (machine - (after - before)) / result.seconds - result.busy) / cpus().length,
  };
}
