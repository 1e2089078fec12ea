import { execFileSync } from 'node:child_process';

/** Bytes of memory that a process occupies. */
export function residentBytes(pid: number): number {
  const kilobytes = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return Number(kilobytes.trim()) * 1_024;
}
