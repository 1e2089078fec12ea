import type { Alarm, AlertRule } from '#audit/alert-rules.ts';
import { cursorStates } from '#audit/follow.ts';
import { trailState } from '#audit/trail-state.ts';
import { verifications } from '#audit/verification.ts';
import { listProcesses } from '#database/heartbeat.ts';
import type { Pool } from '#database/pool.ts';
import { sweepStates } from '#queue/sweep-run.ts';
import type { Log } from '#runtime/log.ts';
import { deadRows } from '#webhooks/dead-rows.ts';
import { driftedSources } from '#webhooks/drifted-sources.ts';
import { backlogOf } from '#webhooks/relay.ts';

const LATE_RECEIPT_SECONDS = 60;
/** Events wait for an application behind that may be away; receipts wait for nobody but us. */
const LATE_EVENT_SECONDS = 900;
const LATE_SEAL_SECONDS = 60;
const SCANNER_AWAY_SECONDS = 120;
const MAX_SKEW_SECONDS = 2;
/** Twice the longest interval between two runs of a sweep. */
const SWEEP_PATIENCE_MS = 2 * 3_600_000;
const MAX_FORWARD_FAILURES = 5;

type Look = (pool: Pool) => Promise<Omit<Alarm, 'rule'>[]>;

/** Every rule that tells of a state, and how to look at it. */
const looks = {
  'chain-broken': async (pool) => {
    const broken = (await verifications(pool)).filter(({ fault }) => fault !== null);
    return broken.slice(0, 1).map(({ fault }) => ({ subject: 'chain', details: { ...fault } }));
  },
  'clock-skewed': async (pool) =>
    (await listProcesses(pool))
      .filter(({ isAlive, details }) => isAlive && Math.abs(details.clockSkewSeconds) > MAX_SKEW_SECONDS)
      .map(({ host, details }) => ({ subject: host, details: { seconds: details.clockSkewSeconds } })),
  'forward-failing': async (pool) =>
    (await cursorStates(pool))
      .filter(({ failures }) => failures >= MAX_FORWARD_FAILURES)
      .map(({ name, failures, lastError }) => ({ subject: name, details: { failures, lastError } })),
  'receipts-late': async (pool) => {
    const { receipts, events } = await backlogOf(pool);
    return [
      { subject: 'receipts', ...receipts, limit: LATE_RECEIPT_SECONDS },
      { subject: 'events', ...events, limit: LATE_EVENT_SECONDS },
    ]
      .filter(({ oldestSeconds, limit }) => oldestSeconds > limit)
      .map(({ subject, open }) => ({ subject, details: { open } }));
  },
  'rows-dead': async (pool) =>
    Object.entries(await deadRows(pool))
      .filter(([, count]) => count > 0)
      .map(([subject, count]) => ({ subject, details: { count } })),
  'scanner-away': async (pool) => {
    const scanners = (await listProcesses(pool)).flatMap(({ isAlive, details }) =>
      isAlive && isScannerState(details['scanner']) ? [details['scanner']] : [],
    );
    const away = scanners.filter(({ isReady, sinceSeconds }) => !isReady && sinceSeconds > SCANNER_AWAY_SECONDS);
    if (away.length === 0 || scanners.some(({ isReady }) => isReady)) return [];
    return [{ subject: 'scanner', details: { why: away[0]?.why ?? '' } }];
  },
  'seals-late': async (pool) => {
    const { unsealed, oldestUnsealedSeconds } = await trailState(pool);
    return oldestUnsealedSeconds > LATE_SEAL_SECONDS ? [{ subject: 'seals', details: { unsealed } }] : [];
  },
  'secret-drifted': async (pool) =>
    (await driftedSources(pool)).map(({ source, count }) => ({ subject: source, details: { refused: count } })),
  'sweep-overdue': async (pool) =>
    (await sweepStates(pool))
      .filter(({ begunAt, succeededAt }) => Date.now() - (succeededAt ?? begunAt).getTime() > SWEEP_PATIENCE_MS)
      .map(({ name, lastError }) => ({ subject: name, details: { lastError } })),
} satisfies Partial<Record<AlertRule, Look>>;

type StandingRule = keyof typeof looks;

export const STANDING_RULES = Object.keys(looks) as StandingRule[];

/** What is wrong now, and which rules could be looked at. */
export async function standingAlarms(pool: Pool, log: Log): Promise<{ judged: StandingRule[]; alarms: Alarm[] }> {
  const judged: StandingRule[] = [];
  const alarms: Alarm[] = [];
  for (const rule of STANDING_RULES) {
    try {
      const found = await looks[rule](pool);
      judged.push(rule);
      alarms.push(...found.map((alarm) => ({ ...alarm, rule })));
    } catch (error) {
      log.warn({ err: error, rule }, 'a rule for alerts could not be looked at');
    }
  }
  return { judged, alarms };
}

/** What a worker that scans says of its scanner in its heartbeat. */
export interface ScannerState {
  isReady: boolean;
  why: string | null;
  /** Since when it has been like this. */
  sinceSeconds: number;
  signatures: string | null;
}

function isScannerState(value: unknown): value is ScannerState {
  return typeof value === 'object' && value !== null && 'isReady' in value && 'sinceSeconds' in value;
}
