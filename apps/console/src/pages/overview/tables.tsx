import { bytes, count, seconds } from '../../parts/amounts.ts';
import type { Column } from '../../parts/records-view.tsx';
import { StatusBadge } from '../../parts/status-badge.tsx';
import { Time } from '../../parts/time.tsx';
import type { Overview, QueueDepth, RunningProcess } from './shapes.ts';

export const queueColumns: Column<QueueDepth>[] = [
  { header: 'Queue', cell: ({ name }) => name },
  { header: 'Waiting', cell: ({ waiting }) => count(waiting) },
  { header: 'Oldest', cell: ({ oldestWaitingSeconds: oldest }) => (oldest === null ? '–' : seconds(oldest)) },
  { header: 'At work', cell: ({ active }) => count(active) },
  { header: 'Later', cell: ({ delayed }) => count(delayed) },
  { header: 'Failed', cell: ({ failed }) => count(failed) },
];

export const processColumns: Column<RunningProcess>[] = [
  { header: 'Process', cell: ({ process }) => process },
  {
    header: 'State',
    cell: ({ isAlive }) => <StatusBadge tone={isAlive ? 'good' : 'bad'}>{isAlive ? 'alive' : 'gone'}</StatusBadge>,
  },
  { header: 'Host', cell: ({ host, pid }) => `${host}, ${pid}` },
  { header: 'Since', cell: ({ startedAt }) => <Time at={startedAt} /> },
  { header: 'Memory', cell: ({ details }) => bytes(details.residentBytes) },
  { header: 'Event loop', cell: ({ details }) => seconds(details.eventLoopLagSeconds) },
  { header: 'Clock', cell: ({ details }) => `${details.clockSkewSeconds} s` },
];

export const sweepColumns: Column<Overview['sweeps'][number]>[] = [
  { header: 'Sweep', cell: ({ name }) => name },
  { header: 'Last done', cell: ({ succeededAt }) => <Time at={succeededAt} /> },
  { header: 'Swept', cell: ({ swept }) => count(swept) },
  { header: 'Last error', cell: ({ lastError }) => lastError ?? '–' },
];
