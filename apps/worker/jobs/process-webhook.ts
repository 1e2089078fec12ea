import type { Pool } from '#database/pool.ts';
import { consume } from '#queue/consumer.ts';
import type { Producer } from '#queue/producer.ts';
import { Failure } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';
import type { ReceiptProcessor } from '#webhooks/process-receipts.ts';
import { deadReasons } from '#webhooks/receipt-attempts.ts';
import { webhooks } from '#webhooks/queue.ts';

export interface ProcessWebhookParts {
  pool: Pool;
  processor: ReceiptProcessor;
  producer: Producer;
  log: Log;
}

/** Turns receipts into events. A receipt that is dead gets a job of its own, which fails for good, so that ops see it. */
export function processWebhook({ pool, processor, producer, log }: ProcessWebhookParts) {
  return consume(webhooks, async ({ receiptIds }) => {
    const outcomes = await Promise.all(receiptIds.map((id) => processor.process(id)));
    const dead = receiptIds.filter((_, index) => outcomes[index] === 'dead');
    const failed = receiptIds.filter((_, index) => outcomes[index] === 'failed');
    if (failed.length > 0)
      log.warn({ receiptIds: failed }, 'receipts could not be processed; they are tried again later');
    const [only] = receiptIds;
    if (receiptIds.length === 1 && only !== undefined && outcomes[0] !== 'closed') return failIfDead(pool, only);
    await producer.ringMany(
      webhooks,
      dead.map((id) => ({ receiptIds: [id] })),
    );
  });
}

async function failIfDead(pool: Pool, receiptId: string): Promise<void> {
  const reason = (await deadReasons(pool, [receiptId])).get(receiptId);
  if (reason !== undefined) throw new Failure('receipt-dead', { detail: `receipt ${receiptId}: ${reason}` });
}
