import type { Fault } from '#testing/chaos/fault.ts';

const GRACE_MS = 12_000;

/** Processes of our own end, asked or not. */
export const processFaults: readonly Fault[] = [
  {
    id: 'F1',
    title: 'kill -9 of a worker',
    mark: { what: 'drained', ms: 8_000 },
    strike: async ({ system, random }) => random.pick(system.workers).kill('SIGKILL'),
  },
  {
    id: 'F2',
    title: 'kill -9 of all workers, twice',
    async strike({ system }) {
      for (let times = 0; times < 2; times += 1) {
        for (const worker of system.workers) worker.kill('SIGKILL');
        await Promise.all(system.workers.map((worker) => worker.live()));
      }
    },
  },
  {
    id: 'F11',
    title: 'kill -9 of an ingress',
    strike: async ({ system, random }) => random.pick(system.ingresses).kill('SIGKILL'),
  },
  {
    id: 'F18',
    title: 'rolling SIGTERM',
    async strike({ system, violate }) {
      for (const each of system.processes) {
        await each.live();
        const { code, ms } = await each.roll();
        if (code !== 0 || ms > GRACE_MS)
          violate(`${each.name} ended with ${code} after ${Math.round(ms)} ms of SIGTERM`);
      }
    },
  },
];
