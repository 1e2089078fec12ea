import { Counter, Gauge, type Registry } from 'prom-client';
import type { HashGate } from '#access/hash-gate.ts';
import type { Refreshed } from '#access/refresh-session.ts';
import type { FailureCode } from '#runtime/failure.ts';

/** Told what became of sign-ins and refreshes: a failure by its code. */
export interface AccessObserver {
  signedIn: (outcome: 'succeeded' | FailureCode | 'bug') => void;
  refreshed: (outcome: Refreshed['outcome'] | FailureCode | 'bug') => void;
}

/** Counts sign-ins and refreshes, and shows how many passwords are being hashed. */
export function openAccessMetrics(registry: Registry, gate: HashGate): AccessObserver {
  const registers = [registry];
  const signIns = new Counter({
    name: 'portcullis_sign_ins_total',
    help: 'Sign-ins by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const refreshes = new Counter({
    name: 'portcullis_refreshes_total',
    help: 'Refreshes by outcome: rotated, repeated (an allowed replay), or the code of the refusal.',
    labelNames: ['outcome'],
    registers,
  });
  const hashes = new Gauge({
    name: 'portcullis_password_hashes',
    help: 'Password hashes that run, and that wait for a permit.',
    labelNames: ['state'],
    registers,
    collect: () => {
      hashes.set({ state: 'running' }, gate.running);
      hashes.set({ state: 'waiting' }, gate.waiting);
    },
  });
  return {
    signedIn: (outcome) => signIns.inc({ outcome }),
    refreshed: (outcome) => refreshes.inc({ outcome }),
  };
}
