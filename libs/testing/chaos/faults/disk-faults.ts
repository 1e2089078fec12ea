import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '#testing/chaos/fault.ts';
import { fillDisk } from '#testing/chaos/small-disks.ts';

/** Disks are full. */
export const diskFaults: readonly Fault[] = [
  {
    id: 'F16',
    title: "PostgreSQL's disk full",
    needsDisks: true,
    async strike({ system: { postgres, pool, disks = '' }, seconds }) {
      const empty = fillDisk(disks, 'postgres');
      // The next file of the log has no room either.
      await pool.query('select pg_switch_wal()').catch(() => undefined);
      await sleep(seconds * 1_000);
      empty();
      await postgres.heal();
    },
  },
  {
    id: 'F16',
    title: 'the disk of uploads full',
    needsDisks: true,
    async strike({ system: { disks = '' }, seconds }) {
      const empty = fillDisk(disks, 'data');
      await sleep(seconds * 1_000);
      empty();
    },
  },
  {
    id: 'F16',
    title: "Redis' disk full",
    needsDisks: true,
    backend: 'redis',
    async strike({ system: { redis, disks = '' }, seconds }) {
      const empty = fillDisk(disks, 'redis');
      await sleep(seconds * 1_000);
      empty();
      await redis?.heal();
    },
  },
];
