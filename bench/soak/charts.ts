import { lineChart } from '../charts/line-chart.ts';
import type { Sample } from './sample.ts';
import type { Window } from './windows.ts';

/** By file name; `xEnd` is how many minutes the run was to last. */
export function chartsOf(
  { windows, samples }: { windows: readonly Window[]; samples: readonly Sample[] },
  xEnd: number,
): Record<string, string> {
  const ofWindows = (name: string, pick: (window: Window) => number) => ({ name, values: windows.map(pick) });
  const ofSamples = (name: string, pick: (sample: Sample) => number) => ({ name, values: samples.map(pick) });
  const times = { xUnit: 'minutes', xEnd, xs: samples.map(({ minutes }) => minutes) };
  return {
    'soak-latency.svg': lineChart({
      title: 'Acknowledgements at a constant rate',
      unit: 'milliseconds from when each was due',
      xUnit: 'minutes',
      xEnd,
      xs: windows.map(({ minutes }) => minutes),
      lines: [
        ofWindows('p50', ({ p50 }) => p50),
        ofWindows('p90', ({ p90 }) => p90),
        ofWindows('p99', ({ p99 }) => p99),
      ],
    }),
    'soak-memory.svg': lineChart({
      title: 'Resident memory',
      unit: 'MiB',
      ...times,
      lines: [
        ofSamples('ingress', ({ ingressMiB }) => ingressMiB),
        ofSamples('worker', ({ workerMiB }) => workerMiB),
        ofSamples('Redis', ({ redisMiB }) => redisMiB),
      ],
    }),
    'soak-open.svg': lineChart({
      title: 'Receipts and events still open',
      unit: 'rows',
      ...times,
      lines: [ofSamples('open rows', ({ openRows }) => openRows)],
    }),
  };
}
