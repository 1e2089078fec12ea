import { drainRate } from '#testing/chaos/backlog.ts';
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
      const one = await drainRate(system, senders, 1);
      const three = await drainRate(system, senders, 3);
      say(`one worker does ${Math.round(one)} a second of a backlog, three ${Math.round(three)}`);
      if (three < one * LEAST_SPEED_UP) violate('three workers are slower than one');
    },
  },
];
