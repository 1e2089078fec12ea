import type { Fault } from '#testing/chaos/fault.ts';
import { backlogFaults } from '#testing/chaos/faults/backlog-faults.ts';
import { clockFaults } from '#testing/chaos/faults/clock-faults.ts';
import { databaseFaults } from '#testing/chaos/faults/database-faults.ts';
import { diskFaults } from '#testing/chaos/faults/disk-faults.ts';
import { eventFaults } from '#testing/chaos/faults/event-faults.ts';
import { networkFaults } from '#testing/chaos/faults/network-faults.ts';
import { processFaults } from '#testing/chaos/faults/process-faults.ts';
import { queueFaults } from '#testing/chaos/faults/queue-faults.ts';
import { scannerFaults } from '#testing/chaos/faults/scanner-faults.ts';
import type { Backend } from '#testing/chaos/system.ts';

const numberOf = ({ id }: Fault): number => Number(id.slice(1));

/** In the order of the table in docs/reliability.md: a seed chooses among them by their place. */
const faults: readonly Fault[] = [
  ...processFaults,
  ...queueFaults,
  ...networkFaults,
  ...databaseFaults,
  ...clockFaults,
  ...eventFaults,
  ...scannerFaults,
  ...diskFaults,
  ...backlogFaults,
].toSorted((a, b) => numberOf(a) - numberOf(b));

export interface FaultChoice {
  backend: Backend;
  /** Of the run. */
  seconds: number;
  hasScanner: boolean;
  hasDisks: boolean;
  /** One row of the table. */
  id?: string | undefined;
}

/** Those that a run has the stores and the time for, or of these one row of the table. */
export function faultsFor({ backend, seconds, hasScanner, hasDisks, id }: FaultChoice): Fault[] {
  const chosen = faults.filter(
    (fault) =>
      (fault.backend ?? backend) === backend &&
      (fault.leastSeconds ?? 0) <= seconds &&
      (id !== undefined || fault.isAlone !== true) &&
      (hasScanner || fault.needsScanner !== true) &&
      (hasDisks || fault.needsDisks !== true) &&
      (id === undefined || fault.id === id),
  );
  if (chosen.length === 0) throw new Error(`there is no fault ${id} on ${backend}`);
  return chosen;
}
