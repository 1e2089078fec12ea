import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_RECEIPTS_PER_JOB } from '#webhooks/queue.ts';

/** Between two jobs, unless one can be filled: adding a job costs the ingress as much as three receipts do. */
const PAUSE_MS = 10;
/** As many ids may wait for a job that is on its way; the relay rings for what is beyond. */
const MAX_WAITING = 8_192;

export interface DoorbellOptions {
  /** Adds one job for these receipts. */
  add: (receiptIds: string[]) => Promise<void>;
  /** Called for what no job was added for. */
  onMissed: (error: unknown) => void;
}

export interface Doorbell {
  /** Rings for committed receipts soon after the caller has answered their senders. */
  ring(receiptIds: readonly string[]): void;
  /** Waits until all that was rung for has been added or missed. */
  drain(): Promise<void>;
}

/** A lone receipt is rung for at once; under load those that are committed within some milliseconds share a job. */
export function openDoorbell({ add, onMissed }: DoorbellOptions): Doorbell {
  let waiting: string[] = [];
  let ringing: Promise<void> | undefined;

  async function ringAll(): Promise<void> {
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const ids = waiting.slice(0, MAX_RECEIPTS_PER_JOB);
      waiting = waiting.slice(MAX_RECEIPTS_PER_JOB);
      try {
        await add(ids);
      } catch (error) {
        // With the queue away there is nothing to gain by trying for the others.
        waiting = [];
        onMissed(error);
      }
      if (waiting.length < MAX_RECEIPTS_PER_JOB) await sleep(PAUSE_MS);
    }
    ringing = undefined;
  }

  return {
    ring(receiptIds) {
      if (waiting.length < MAX_WAITING) waiting.push(...receiptIds);
      ringing ??= ringAll();
    },
    async drain() {
      await ringing;
    },
  };
}
