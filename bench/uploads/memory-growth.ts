import { readFileSync, writeFileSync } from 'node:fs';
import { clientsFor, loadHttp } from '../http-load.ts';
import { imageOf } from './files.ts';
import type { Ours } from './ours.ts';
import { formRequest } from './requests.ts';

const BIG_BYTES = 25 * 1024 * 1024 - 4_096;

/** MiB by which the ingress grew at its highest while this many large files came in at the same time. */
export async function memoryGrowth({ port, token, ingressPid }: Ours, uploads: number): Promise<number> {
  const file = { name: 'large.png', type: 'image/png', bytes: imageOf(BIG_BYTES) };
  const request = formRequest('/api/attachments/bench', file, token);
  // proc(5): 5 resets the peak to what is resident now.
  writeFileSync(`/proc/${ingressPid}/clear_refs`, '5');
  const before = peakMiB(ingressPid);
  const { statuses } = await loadHttp({ port, clients: clientsFor(uploads, Array<Buffer>(uploads).fill(request)) });
  if (Object.keys(statuses).join() !== '202') throw new Error(`large files were answered ${JSON.stringify(statuses)}`);
  return peakMiB(ingressPid) - before;
}

function peakMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) / 1_024;
}
