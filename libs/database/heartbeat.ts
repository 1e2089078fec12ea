import { defineEntity, p } from '@mikro-orm/core';
import { hostname } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Pool, Queryable } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import { startTicker } from '#runtime/ticker.ts';

/** One running process (table process_heartbeat). */
export const ProcessHeartbeatEntity = defineEntity({
  name: 'ProcessHeartbeat',
  tableName: 'process_heartbeat',
  properties: {
    id: p.uuid().primary(),
    process: p.text(),
    host: p.text(),
    pid: p.integer(),
    startedAt: p.datetime(),
    beatAt: p.datetime(),
    /** `Vitals`, and what the process says of itself. */
    details: p.json(),
  },
  indexes: [{ name: 'process_heartbeat_beat', properties: ['beatAt'] }],
});

/** What every process says. */
export interface Vitals {
  /** 99th percentile since the last beat. */
  eventLoopLagSeconds: number;
  residentBytes: number;
  /** This machine's clock minus the database's. */
  clockSkewSeconds: number;
}

export type ProcessDetails = Record<string, unknown>;

export const BEAT_SECONDS = 10;
/** After three missed beats a process counts as gone. */
const GONE_SECONDS = 3 * BEAT_SECONDS + 1;
const KEPT_HOURS = 24;

const BEAT = `
  insert into process_heartbeat (id, process, host, pid, started_at, beat_at, details)
  values ($1, $2, $3, $4, $5, clock_timestamp(), $6)
  on conflict (id) do update set beat_at = excluded.beat_at, details = excluded.details`;

const FORGET = 'delete from process_heartbeat where beat_at < now() - make_interval(hours => $1)';

export interface HeartbeatOptions {
  pool: Pool;
  process: string;
  /** What it says of itself beside its vitals; asked at each beat. */
  describe?: () => ProcessDetails;
  onError: (error: unknown) => void;
}

export interface Heartbeat {
  /** Takes the process out of the list. */
  close(): Promise<void>;
}

/** Writes this process's row every ten seconds. */
export function openHeartbeat({ pool, process: name, describe, onError }: HeartbeatOptions): Heartbeat {
  const id = newId();
  const startedAt = new Date();
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();

  async function beat(): Promise<void> {
    const vitals: Vitals = {
      eventLoopLagSeconds: Math.max(0, delay.percentile(99) / 1e9 - 0.02),
      residentBytes: process.memoryUsage.rss(),
      clockSkewSeconds: await clockSkew(pool),
    };
    delay.reset();
    const details = JSON.stringify({ ...describe?.(), ...vitals });
    await pool.query({
      name: 'heartbeat',
      text: BEAT,
      values: [id, name, hostname(), process.pid, startedAt, details],
    });
    await pool.query(FORGET, [KEPT_HOURS]);
  }

  const ticker = startTicker(BEAT_SECONDS * 1_000, beat, onError);
  return {
    async close() {
      delay.disable();
      await ticker.close();
      await pool.query('delete from process_heartbeat where id = $1', [id]).catch(onError);
    },
  };
}

/** This clock minus the database's in seconds, to half a round trip. */
export async function clockSkew(client: Queryable): Promise<number> {
  const before = Date.now();
  const { rows } = await client.query<{ now: number }>('select extract(epoch from clock_timestamp())::float8 as now');
  const middleMs = (before + Date.now()) / 2;
  return Math.round(middleMs - (rows[0]?.now ?? 0) * 1_000) / 1_000;
}

export interface RunningProcess {
  id: string;
  process: string;
  host: string;
  pid: number;
  startedAt: Date;
  beatAt: Date;
  isAlive: boolean;
  details: ProcessDetails & Vitals;
}

/** Processes that were there in the last hour, those that are alive first. */
export async function listProcesses(client: Queryable): Promise<RunningProcess[]> {
  const { rows } = await client.query<RunningProcess>(
    `select id, process, host, pid, started_at as "startedAt", beat_at as "beatAt", details,
       beat_at > now() - make_interval(secs => $1) as "isAlive"
     from process_heartbeat where beat_at > now() - interval '1 hour'
     order by "isAlive" desc, process, started_at limit 200`,
    [GONE_SECONDS],
  );
  return rows;
}
