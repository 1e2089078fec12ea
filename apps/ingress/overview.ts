import { activeAlerts, type ActiveAlert } from '#audit/alert.ts';
import { trailState, type TrailState } from '#audit/trail-state.ts';
import { verifications } from '#audit/verification.ts';
import { catalogue } from '#catalogue.ts';
import { listProcesses, type RunningProcess } from '#database/heartbeat.ts';
import { databaseFailure, type Pool } from '#database/pool.ts';
import type { Depth, QueueReader } from '#queue/reader.ts';
import { sweepStates, type SweepState } from '#queue/sweep-run.ts';
import { isFailure } from '#runtime/failure.ts';
import { countSessions } from '#access/count-sessions.ts';
import { quarantineState } from '#uploads/quarantine-state.ts';
import { deadRows } from '#webhooks/dead-rows.ts';
import { backlogOf } from '#webhooks/relay.ts';
import type { TrafficDescription } from './traffic.ts';

type Backlog = Awaited<ReturnType<typeof backlogOf>>['receipts'] & { dead: number };

export interface Overview {
  at: Date;
  /** Of all ingress processes in their last ten seconds, a second; latencies in seconds. */
  rates: { accepted: number; duplicate: number; refused: number; requests: number; unavailable: number };
  latencies: { ack: Latency | null; http: Latency | null };
  receipts: Backlog;
  events: Backlog;
  quarantine: { bytes: number; oldestSeconds: number };
  sessions: number;
  /** Null while the queue's store is away. */
  queues: ({ name: string } & Omit<Depth, 'oldestWaitingMs'> & { oldestWaitingSeconds: number | null })[] | null;
  /** Null where nobody scans. */
  scanner: unknown;
  processes: RunningProcess[];
  /** `intact`: null before the first walk along the chain. */
  audit: TrailState & { intact: boolean | null };
  alerts: ActiveAlert[];
  sweeps: SweepState[];
}

/** Weighted over the processes; the 99th percentile is that of the slowest. */
export interface Latency {
  p50: number;
  p99: number;
}

/** What there is to know of the whole system at a glance. @throws Failure `database-unavailable`. */
export async function overview(pool: Pool, reader: QueueReader): Promise<Overview> {
  try {
    const [processes, backlog, dead, quarantine, sessions, queues, trail, walks, alerts, sweeps] = await Promise.all([
      listProcesses(pool),
      backlogOf(pool),
      deadRows(pool),
      quarantineState(pool),
      countSessions(pool),
      depthsOf(reader),
      trailState(pool),
      verifications(pool),
      activeAlerts(pool),
      sweepStates(pool),
    ]);
    const alive = processes.filter(({ isAlive }) => isAlive);
    return {
      at: new Date(),
      ...trafficOf(alive),
      receipts: { ...backlog.receipts, dead: dead.receipts },
      events: { ...backlog.events, dead: dead.events },
      quarantine,
      sessions,
      queues,
      scanner: alive.find(({ details }) => details['scanner'] !== undefined)?.details['scanner'] ?? null,
      processes,
      audit: { ...trail, intact: walks.length === 0 ? null : walks.every(({ fault }) => fault === null) },
      alerts,
      sweeps,
    };
  } catch (error) {
    throw databaseFailure(error);
  }
}

async function depthsOf(reader: QueueReader): Promise<Overview['queues']> {
  try {
    return await Promise.all(
      Object.values(catalogue).map(async (contract) => {
        const { oldestWaitingMs, ...depth } = await reader.depth(contract);
        const oldestWaitingSeconds = oldestWaitingMs === undefined ? null : oldestWaitingMs / 1_000;
        return { name: contract.name, ...depth, oldestWaitingSeconds };
      }),
    );
  } catch (error) {
    if (isFailure(error, 'queue-unavailable')) return null;
    throw error;
  }
}

export function trafficOf(processes: readonly RunningProcess[]): Pick<Overview, 'rates' | 'latencies'> {
  const traffics = processes.flatMap(({ details }) =>
    details['traffic'] === undefined ? [] : [details['traffic'] as TrafficDescription],
  );
  const sum = (of: (traffic: TrafficDescription) => number): number =>
    traffics.reduce((total, traffic) => total + of(traffic), 0);
  return {
    rates: {
      accepted: sum(({ receipts }) => receipts.accepted),
      duplicate: sum(({ receipts }) => receipts.duplicate),
      refused: sum(({ receipts }) => receipts.refused),
      requests: sum(({ requests }) => requests),
      unavailable: sum(({ unavailable }) => unavailable),
    },
    latencies: { ack: latencyOf(traffics.map(({ ack }) => ack)), http: latencyOf(traffics.map(({ http }) => http)) },
  };
}

function latencyOf(distributions: readonly TrafficDescription['ack'][]): Latency | null {
  const known = distributions.filter((each) => each !== undefined);
  const count = known.reduce((total, each) => total + each.count, 0);
  if (count === 0) return null;
  return {
    p50: known.reduce((total, each) => total + each.p50 * each.count, 0) / count,
    p99: Math.max(...known.map(({ p99 }) => p99)),
  };
}
