import { clientsFor, loadHttp } from '../http-load.ts';
import { peakMiB, resetPeak } from '../peak-memory.ts';
import { imageOf } from './files.ts';
import type { Ours } from './ours.ts';
import { formRequest } from './requests.ts';

const BIG_BYTES = 25 * 1024 * 1024 - 4_096;

export interface MemoryGrowth {
  /** MiB by which the ingress grew at its highest. */
  mib: number;
  /** How the uploads were answered: a disk or database that can't keep up shows as 503. */
  statuses: Record<string, number>;
}

/** What the ingress needs while this many large files come in at the same time. */
export async function memoryGrowth({ port, token, ingressPid }: Ours, uploads: number): Promise<MemoryGrowth> {
  const file = { name: 'large.png', type: 'image/png', bytes: imageOf(BIG_BYTES) };
  const request = formRequest('/api/attachments/bench', file, token);
  resetPeak(ingressPid);
  const before = peakMiB(ingressPid);
  const { statuses } = await loadHttp({ port, clients: clientsFor(uploads, Array<Buffer>(uploads).fill(request)) });
  return { mib: peakMiB(ingressPid) - before, statuses };
}
