import { drainRates } from '#testing/chaos/backlog.ts';
import type { Fault } from '#testing/chaos/fault.ts';

/** On as few as two cores, which the stores need too. */
const LEAST_SPEED_UP = 0.9;

/** Work has piled up. */
export const backlogFaults: readonly Fault[] = [
  {
    id: 'F17',
    title: 'a backlog for one worker, and for three',
    isAlone: true,
    async strike({ system, senders, say, violate }) {
      const { one, three } = await drainRates(system, senders, say);
      if (three < one * LEAST_SPEED_UP) violate('three workers are slower than one');
    },
  },
];
