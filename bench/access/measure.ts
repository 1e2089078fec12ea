import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf } from '../cpu.ts';
import { loadHttp, quantile } from '../http-load.ts';
import type { Contestant } from './contestants.ts';

const REST_MS = 200;

export interface Measure {
  perSecond: number;
  p50: number;
  p99: number;
  /** CPU-seconds for 1,000 requests, over the server and the stores it uses. */
  cpuPer1000: number;
  /** Share of one core that the load generator took. */
  busy: number;
}

export async function measure({ name, port, pids, clients }: Contestant, seconds: number): Promise<Measure> {
  const before = cpuSecondsOf(pids);
  const load = await loadHttp({ port, seconds, clients });
  const cpuSeconds = cpuSecondsOf(pids) - before;
  if (Object.keys(load.statuses).join() !== '200') throw new Error(`${name} answered ${JSON.stringify(load.statuses)}`);
  await sleep(REST_MS);
  return {
    perSecond: load.requests / seconds,
    p50: quantile(load.latencies, 0.5),
    p99: quantile(load.latencies, 0.99),
    cpuPer1000: (cpuSeconds / load.requests) * 1_000,
    busy: load.busy,
  };
}
