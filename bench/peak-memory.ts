import { readFileSync, writeFileSync } from 'node:fs';

/** proc(5): 5 resets the peak to what is resident now. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The most memory that a process has occupied since its start or the last reset. */
export function peakMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) / 1_024;
}
