import type { QueueName } from '#catalogue.ts';
import type { Consumer } from '#queue/consumer.ts';
import { handleEvent, type HandleEventParts } from './jobs/handle-event.ts';
import { processWebhook, type ProcessWebhookParts } from './jobs/process-webhook.ts';
import { scanUpload, type ScanUploadParts } from './jobs/scan-upload.ts';
import { sealEvents, type SealEventsParts } from './jobs/seal-events.ts';
import { sweep, type SweepParts } from './jobs/sweep.ts';

export type WorkerParts = ProcessWebhookParts & HandleEventParts & ScanUploadParts & SealEventsParts & SweepParts;

/** A consumer of exactly this queue. */
interface ConsumerOf<Name extends QueueName> {
  readonly contract: { readonly name: Name };
  start: Consumer['start'];
}

/** One consumer a queue: a queue without one does not compile. */
export function consumersOf(parts: WorkerParts): { [Name in QueueName]: ConsumerOf<Name> } {
  return {
    webhooks: processWebhook(parts),
    events: handleEvent(parts),
    uploads: scanUpload(parts),
    audit: sealEvents(parts),
    sweeps: sweep(parts),
  };
}
