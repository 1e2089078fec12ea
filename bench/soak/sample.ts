import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from '../queues/contestants.ts';

/** What the processes held at one time. */
export interface Sample {
  minutes: number;
  ingressMiB: number;
  workerMiB: number;
  redisMiB: number;
  /** Receipts and events that are still to be worked on. */
  openRows: number;
}

const PAGE_BYTES = 4_096;

/** Looks every so often until it is stopped. */
export async function sampleUntil(stopped: AbortSignal, contestant: Contestant, everyMs: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const beganAt = performance.now();
  while (!stopped.aborted) {
    const [ingress = 0, worker = 0, , redis = 0] = contestant.pids();
    samples.push({
      minutes: (performance.now() - beganAt) / 60_000,
      ingressMiB: residentMiB(ingress),
      workerMiB: residentMiB(worker),
      redisMiB: residentMiB(redis),
      openRows: await contestant.waiting(),
    });
    // The next look comes in its time, or never.
    await sleep(everyMs, undefined, { signal: stopped }).catch(() => undefined);
  }
  return samples;
}

/** proc(5): the second number of statm is what is resident, in pages. */
function residentMiB(pid: number): number {
  const [, pages = 0] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ').map(Number);
  return (pages * PAGE_BYTES) / 2 ** 20;
}
