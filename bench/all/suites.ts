import type { Report } from '../report.ts';

export interface Suite {
  /** What people read of it. */
  title: string;
  load: () => Promise<{ report: (args: string[]) => Promise<Report> }>;
  /** Arguments of one round of it among the others. */
  args: readonly string[];
  /** The same in the shortest form that still shows an order. */
  quickArgs: readonly string[];
}

/** Every suite, in the order of the page. */
export const suites: Record<string, Suite> = {
  webhooks: {
    title: 'What an acknowledgement costs',
    load: () => import('../webhooks/report.ts'),
    args: ['--rounds', '3', '--seconds', '3'],
    quickArgs: ['--rounds', '1', '--seconds', '2'],
  },
  access: {
    title: 'What it costs to know who calls',
    load: () => import('../access.ts'),
    args: ['--rounds', '3', '--seconds', '2', '--flood-rounds', '2', '--ends', '10'],
    quickArgs: ['--rounds', '1', '--seconds', '1', '--flood-rounds', '1', '--ends', '3'],
  },
  uploads: {
    title: 'What a file costs',
    load: () => import('../uploads.ts'),
    args: ['--rounds', '2', '--files', '80'],
    quickArgs: ['--rounds', '1', '--files', '32', '--waiting', '10', '--large', '50'],
  },
  queues: {
    title: 'Queues, from the receipt to the effect',
    load: () => import('../queues.ts'),
    args: ['--rounds', '2', '--messages', '2000', '--no-ledger'],
    quickArgs: ['--rounds', '1', '--messages', '1000', '--no-ledger'],
  },
  limits: {
    title: 'What a limit costs',
    load: () => import('../limits.ts'),
    args: ['--rounds', '3', '--seconds', '2'],
    quickArgs: ['--rounds', '1', '--seconds', '1.5'],
  },
  verify: {
    title: 'How libraries verify webhooks',
    load: () => import('../verify.ts'),
    args: ['--rounds', '5'],
    quickArgs: ['--rounds', '2', '--slice-ms', '30'],
  },
  audit: {
    title: 'The audit trail',
    load: () => import('../audit.ts'),
    args: ['--events', '100000', '--seconds', '8', '--rounds', '3'],
    quickArgs: ['--events', '20000', '--seconds', '4', '--rounds', '1'],
  },
  sweeps: {
    title: 'How long a sweep holds anybody up',
    load: () => import('../sweeps.ts'),
    args: ['--receipts', '50000', '--large', '300', '--sessions', '100000'],
    quickArgs: ['--receipts', '5000', '--large', '50', '--sessions', '10000'],
  },
  bodies: {
    title: 'What large bodies with wrong signatures cost in memory',
    load: () => import('../bodies.ts'),
    args: ['--rounds', '1'],
    quickArgs: ['--rounds', '1'],
  },
  flood: {
    title: 'What a flood of bad requests leaves in memory',
    load: () => import('../flood.ts'),
    args: ['--requests', '20000'],
    quickArgs: ['--requests', '5000'],
  },
  headers: {
    title: "What MDN's HTTP Observatory says of our answers",
    load: () => import('../headers.ts'),
    args: [],
    quickArgs: [],
  },
};
