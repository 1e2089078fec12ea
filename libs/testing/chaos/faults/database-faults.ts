import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '#testing/chaos/fault.ts';

/** PostgreSQL is away or frozen. */
export const databaseFaults: readonly Fault[] = [
  {
    id: 'F9',
    title: 'immediate restart of PostgreSQL',
    async strike({ system: { postgres } }) {
      await postgres.end('SIGQUIT');
      await postgres.start();
    },
  },
  {
    id: 'F9',
    title: 'PostgreSQL away while processes start',
    async strike({ system: { postgres, workers, ingresses }, random, seconds }) {
      await postgres.end(random.pick(['SIGINT', 'SIGQUIT', 'SIGKILL']));
      random.pick(workers).kill('SIGKILL');
      random.pick(ingresses).kill('SIGKILL');
      await sleep(seconds * 1_000);
      await postgres.start();
    },
  },
  {
    id: 'F9',
    title: 'PostgreSQL frozen',
    async strike({ system: { postgres }, seconds }) {
      const wake = postgres.freeze();
      await sleep(seconds * 1_000);
      wake();
    },
  },
  {
    id: 'F10',
    title: 'both stores away',
    backend: 'redis',
    async strike({ system: { postgres, redis }, seconds }) {
      redis?.signal('SIGSTOP');
      await postgres.end('SIGQUIT');
      await sleep(seconds * 500);
      await postgres.start();
      redis?.signal('SIGCONT');
    },
  },
];
