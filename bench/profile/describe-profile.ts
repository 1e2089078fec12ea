import { table } from '../statistics.ts';
import { selfTimesOf, type CpuProfile, type SelfTime } from './self-times.ts';

export interface DescribeOptions {
  /** What was profiled, by name. */
  process: string;
  requests: number;
  /** Where our own files begin. */
  root: string;
  /** Lines of the longest table. */
  top: number;
}

/** A profile as tables: shares of the time that was not idle, and microseconds a request. */
export function describeProfile(profile: CpuProfile, { process, requests, root, top }: DescribeOptions): string {
  const { busyMicros, garbageMicros, byFunction, byFile, byPackage } = selfTimesOf(profile, root);
  const share = (micros: number): string => ((micros / busyMicros) * 100).toFixed(1);
  const list = (title: string, times: readonly SelfTime[], most: number): string =>
    table(
      [`${process}: ${title}`, '%', 'µs a request'],
      times.slice(0, most).map(({ name, micros }) => [name, share(micros), (micros / requests).toFixed(2)]),
    );
  return [
    `${process}: ${(busyMicros / requests).toFixed(1)} µs a request in its main thread, ${share(garbageMicros)} % of it garbage collection`,
    '',
    list('self time by package', byPackage, top >> 1),
    '',
    list('self time by file', byFile, top),
    '',
    list('self time by function', byFunction, top),
  ].join('\n');
}
