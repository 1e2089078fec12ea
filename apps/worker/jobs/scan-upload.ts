import { consume } from '#queue/consumer.ts';
import { uploads } from '#uploads/queue.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import { scanUpload as scan } from '#uploads/scan-upload.ts';

export interface ScanUploadParts {
  /** @throws Error in a worker that was not asked for uploads. */
  scanning: () => ScanParts;
}

/** Brings one upload to its verdict. */
export function scanUpload({ scanning }: ScanUploadParts) {
  return consume(uploads, ({ uploadId }, signal) => scan(scanning(), uploadId, signal));
}
