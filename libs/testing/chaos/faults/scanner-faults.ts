import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '#testing/chaos/fault.ts';
import { LIES, type Lie } from '#testing/chaos/scanner.ts';

/** clamd is away, frozen or answers nonsense. */
export const scannerFaults: readonly Fault[] = [
  {
    id: 'F15',
    title: 'kill -9 of clamd',
    needsScanner: true,
    strike: async ({ system }) => system.scanner?.kill(),
  },
  {
    id: 'F15',
    title: 'clamd frozen',
    needsScanner: true,
    async strike({ system, seconds }) {
      const wake = system.scanner?.freeze();
      await sleep(seconds * 1_000);
      wake?.();
    },
  },
  {
    id: 'F15',
    title: 'replies that clamd never gives',
    needsScanner: true,
    async strike({ system, random, seconds }) {
      const stop = system.scanner?.lie(random.pick(Object.keys(LIES) as Lie[]));
      await sleep(seconds * 1_000);
      stop?.();
    },
  },
];
