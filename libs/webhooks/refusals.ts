import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseUnavailable, type Pool } from '#database/pool.ts';
import { openBatcher } from '#runtime/batcher.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import type { ReceiptDraft } from '#webhooks/receipt.ts';

/** Of a refused body this much is kept. */
export const REFUSED_BODY_BYTES = 4_096;
const MAX_WAITING_ROWS = 512;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_ROWS = 128;
/** Rows of a source in a second and in a minute; beyond them only the counters grow. */
const ROWS_PER_SECOND = 20;
const ROWS_PER_MINUTE = 240;
const MAX_WAIT_MS = 60_000;
const RETRY_MS = 1_000;

export interface RefusalsOptions {
  pool: Pool;
  onLost: (error: unknown) => void;
  now?: () => number;
}

export interface Refusals {
  /** Whether this refusal will be written down; it is not when there is a flood of them or the buffer is full. */
  admits(source: string): boolean;
  /** Writes down a refusal after it was answered. */
  add(draft: ReceiptDraft): void;
  drain(): Promise<void>;
}

/** Receipts of refused requests: written after the answer, through a bounded buffer, sampled under a flood. */
export function openRefusals({ pool, onLost, now = Date.now }: RefusalsOptions): Refusals {
  const samples = new Map<string, Sample>();
  const batcher = openBatcher<ReceiptDraft, unknown>({
    write: (drafts) => insertPatiently(pool, drafts, now),
    isItemFault: (error) => !isDatabaseUnavailable(error),
    bytesOf: (draft) => draft.body?.length ?? 0,
    maxRows: MAX_BATCH_ROWS,
    maxBatchBytes: MAX_WAITING_BYTES,
    maxInFlight: 1,
    maxWaitingRows: MAX_WAITING_ROWS,
    maxWaitingBytes: MAX_WAITING_BYTES,
    maxAgeMs: MAX_WAIT_MS,
    full: 'journal-full',
    now,
  });
  return {
    admits(source) {
      if (batcher.waiting >= MAX_WAITING_ROWS) return false;
      const sample = samples.get(source) ?? { second: 0, inSecond: 0, minute: 0, inMinute: 0 };
      samples.set(source, sample);
      return admits(sample, now());
    },
    add(draft) {
      batcher.add(draft).catch(onLost);
    },
    drain: () => batcher.idle(),
  };
}

interface Sample {
  second: number;
  inSecond: number;
  minute: number;
  inMinute: number;
}

function admits(sample: Sample, nowMs: number): boolean {
  const second = Math.floor(nowMs / 1_000);
  const minute = Math.floor(second / 60);
  if (sample.second !== second) Object.assign(sample, { second, inSecond: 0 });
  if (sample.minute !== minute) Object.assign(sample, { minute, inMinute: 0 });
  if (sample.inSecond >= ROWS_PER_SECOND || sample.inMinute >= ROWS_PER_MINUTE) return false;
  sample.inSecond += 1;
  sample.inMinute += 1;
  return true;
}

/** Nobody waits for these rows, so they may outlast a short outage of the database. */
async function insertPatiently(pool: Pool, drafts: readonly ReceiptDraft[], now: () => number): Promise<unknown[]> {
  const giveUpAtMs = now() + MAX_WAIT_MS;
  for (;;) {
    try {
      return await insertReceipts(pool, drafts, now());
    } catch (error) {
      if (!isDatabaseUnavailable(error) || now() > giveUpAtMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}
