import { parentPort, workerData } from 'node:worker_threads';
import type { FilePolicy } from '#uploads/file-policy.ts';
import { openFileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectFile, type Claim } from '#uploads/inspect/inspect-file.ts';

/** One file to look into; the descriptor belongs to the thread that asks. */
export interface InspectionOrder {
  fd: number;
  sizeBytes: number;
  claim: Claim;
}

// The thread of inspector.ts. It is killed from outside when it takes too long or too much memory.
const policy = workerData as FilePolicy;
parentPort?.on('message', ({ fd, sizeBytes, claim }: InspectionOrder) => {
  inspectFile(openFileBytes(fd, sizeBytes), claim, policy).then(
    (inspection) => parentPort?.postMessage(inspection),
    (error: unknown) => {
      // Ends the thread; the asking side learns of it as an error.
      setImmediate(() => {
        throw error;
      });
    },
  );
});
parentPort?.postMessage('ready');
