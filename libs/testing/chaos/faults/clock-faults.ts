import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '#testing/chaos/fault.ts';

const HOUR_MS = 3_600_000;

/** Clocks are off. */
export const clockFaults: readonly Fault[] = [
  {
    id: 'F12',
    title: 'clocks an hour off',
    async strike({ system, random, seconds }) {
      system.stepClocks(random.pick([-HOUR_MS, HOUR_MS]));
      await sleep(seconds * 1_000);
      system.stepClocks(0);
    },
  },
];
