import { Gauge, type Registry } from 'prom-client';
import { countSessions } from '#access/count-sessions.ts';
import { activeAlerts } from '#audit/alert.ts';
import { alertRules } from '#audit/alert-rules.ts';
import { cursorStates } from '#audit/follow.ts';
import { trailState } from '#audit/trail-state.ts';
import { verifications } from '#audit/verification.ts';
import { listProcesses } from '#database/heartbeat.ts';
import type { Pool } from '#database/pool.ts';
import { sweepStates } from '#queue/sweep-run.ts';
import { waitingState } from '#uploads/waiting-state.ts';
import { deadRows } from '#webhooks/dead-rows.ts';
import { backlogOf } from '#webhooks/relay.ts';

/** Scrapes within this time see the same, so that they can't wear out the database. */
const FRESH_MS = 5_000;

/**
 * What the database knows of the whole system, told by one process only. What could not be read has no value.
 * @returns what brings the gauges up to date.
 */
export function openSystemMetrics(registry: Registry, pool: Pool, now: () => number = Date.now): () => Promise<void> {
  const measures = [rowMetrics, auditMetrics, processMetrics, sweepMetrics].map((open) => open(registry, pool));
  let measuredAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (now() - measuredAtMs < FRESH_MS) return;
    measuredAtMs = now();
    await Promise.allSettled(measures.map((measure) => measure()));
  };
}

function gauge<Label extends string = never>(registry: Registry, name: string, help: string, labelNames: Label[] = []) {
  return new Gauge<Label>({ name: `portcullis_${name}`, help, labelNames, registers: [registry] });
}

function rowMetrics(registry: Registry, pool: Pool): () => Promise<void> {
  const open = gauge(registry, 'open_rows', 'Rows whose work is not done.', ['table']);
  const oldest = gauge(registry, 'oldest_open_seconds', 'Age of the oldest open row; 0 if there is none.', ['table']);
  const dead = gauge(registry, 'dead_rows', 'Rows that were given up.', ['table']);
  const sessions = gauge(registry, 'sessions', 'Sessions that may still be refreshed.');
  return async () => {
    for (const each of [open, oldest, dead]) each.reset();
    sessions.remove();
    const [backlog, gone, uploads] = await Promise.all([backlogOf(pool), deadRows(pool), waitingState(pool)]);
    for (const [table, state] of Object.entries({ ...backlog, uploads })) {
      open.set({ table }, state.open);
      oldest.set({ table }, state.oldestSeconds);
    }
    for (const [table, count] of Object.entries(gone)) dead.set({ table }, count);
    sessions.set(await countSessions(pool));
  };
}

function auditMetrics(registry: Registry, pool: Pool): () => Promise<void> {
  const sealed = gauge(registry, 'chain_events', 'Security events under a seal, dropped ones included.');
  const unsealed = gauge(registry, 'unsealed_events', 'Security events without a seal; counted up to 10,000.');
  const oldest = gauge(registry, 'oldest_unsealed_seconds', 'Age of the oldest security event without a seal.');
  const lag = gauge(registry, 'audit_cursor_lag_events', 'Sealed events that a reader has not read.', ['cursor']);
  const failures = gauge(registry, 'audit_cursor_failures', 'Failures of a reader in a row.', ['cursor']);
  const intact = gauge(registry, 'chain_intact', 'Whether the last walks found the chain whole: 1 or 0.');
  const checked = gauge(registry, 'chain_checked_timestamp_seconds', 'When the chain was last walked.', ['walk']);
  const alerts = gauge(registry, 'alerts_active', 'Alerts that hold now, by rule.', ['rule']);
  return async () => {
    for (const each of [lag, failures, checked]) each.reset();
    intact.remove();
    const [trail, cursors, walks, active] = await Promise.all([
      trailState(pool),
      cursorStates(pool),
      verifications(pool),
      activeAlerts(pool),
    ]);
    sealed.set(trail.sealed);
    unsealed.set(trail.unsealed);
    oldest.set(trail.oldestUnsealedSeconds);
    for (const cursor of cursors) {
      lag.set({ cursor: cursor.name }, trail.sealed - cursor.position);
      failures.set({ cursor: cursor.name }, cursor.failures);
    }
    for (const { name, checkedAt } of walks) checked.set({ walk: name }, checkedAt.getTime() / 1_000);
    if (walks.length > 0) intact.set(walks.every(({ fault }) => fault === null) ? 1 : 0);
    for (const rule of Object.keys(alertRules)) {
      alerts.set({ rule }, active.filter((alert) => alert.rule === rule).length);
    }
  };
}

function processMetrics(registry: Registry, pool: Pool): () => Promise<void> {
  const processes = gauge(registry, 'processes', 'Processes that beat.', ['process']);
  const skew = gauge(registry, 'clock_skew_seconds', "The largest distance of a clock from the database's.");
  return async () => {
    const alive = (await listProcesses(pool)).filter(({ isAlive }) => isAlive);
    for (const name of ['ingress', 'worker', 'board']) {
      processes.set({ process: name }, alive.filter((each) => each.process === name).length);
    }
    skew.set(Math.max(0, ...alive.map(({ details }) => Math.abs(details.clockSkewSeconds))));
  };
}

function sweepMetrics(registry: Registry, pool: Pool): () => Promise<void> {
  const succeeded = gauge(registry, 'sweep_success_timestamp_seconds', 'When a sweep last succeeded.', ['sweep']);
  return async () => {
    succeeded.reset();
    for (const { name, succeededAt } of await sweepStates(pool)) {
      if (succeededAt !== null) succeeded.set({ sweep: name }, succeededAt.getTime() / 1_000);
    }
  };
}
