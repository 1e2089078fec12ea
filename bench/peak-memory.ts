import { readFileSync, writeFileSync } from 'node:fs';

/** proc(5): 5 resets the peak to what is resident now. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The most memory that a process has occupied since its start or the last reset. */
export const peakMiB = (pid: number): number => mib(pid, 'VmHWM');

/** The memory that a process occupies now. */
export const residentMiB = (pid: number): number => mib(pid, 'VmRSS');

function mib(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1_024;
}
