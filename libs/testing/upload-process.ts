import { scanUpload } from '#uploads/scan-upload.ts';
import { sweepOrphans } from '#uploads/sweep-uploads.ts';
import { eicar } from '#uploads/test-signatures.ts';
import { takeDueUploads } from '#uploads/waiting-uploads.ts';
import type { Scanner } from '#uploads/scanner.ts';
import type { S3Place } from '#uploads/storage-settings.ts';
import { startUploadSystem } from '#testing/upload-core.ts';

/** What the process that is to be killed is started with, as JSON. */
export interface UploadProcessOrder {
  databaseUrl: string;
  dataDir: string;
  s3?: S3Place;
  /** Where it kills itself; without one it brings everything to its end, and exits. */
  crashPoint?: string;
}

const scanner: Scanner = {
  async scan(source) {
    const chunks: Buffer[] = [];
    for await (const chunk of source.read()) chunks.push(chunk);
    return Buffer.concat(chunks).includes(eicar()) ? { kind: 'infected', signature: 'Eicar' } : { kind: 'clean' };
  },
};

const { databaseUrl, dataDir, s3, crashPoint } = JSON.parse(process.argv[2] ?? '{}') as UploadProcessOrder;
const system = await startUploadSystem(
  { databaseUrl, dataDir },
  {
    scanner,
    s3,
    checkpoint: (point) => {
      if (point === crashPoint) process.kill(process.pid, 'SIGKILL');
    },
  },
);
if (crashPoint === undefined) {
  const never = new AbortController().signal;
  for (const id of await takeDueUploads(system.pool, 1_000)) await scanUpload(system.parts, id, never);
  await sweepOrphans(system, never, 0);
  await system[Symbol.asyncDispose]();
} else process.send?.(system.port);
