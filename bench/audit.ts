import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { appendOnlyTables, applyAuditPolicy, readOnlyTables } from '../libs/audit/audit-policy.ts';
import { record, type SecurityEvent } from '../libs/audit/record.ts';
import { sealAll } from '../libs/audit/seal-events.ts';
import { verifyChain } from '../libs/audit/verify-chain.ts';
import { openEmbeddedDatabase } from '../libs/database/embedded.ts';
import { migrate } from '../libs/database/migrate.ts';
import { openPool, type Pool } from '../libs/database/pool.ts';
import config from '../mikro-orm.config.ts';
import { atLeast, conclude } from './conclude.ts';
import { conditionsOf, type Figures, type Report } from './report.ts';
import { median } from './statistics.ts';

/** Events a second. */
const MARKS = { kept: 2_000, sealed: 2_000, verified: 50_000 };
/** A little more than is asked for, because the last ones can't be under a seal yet when the clock stops. */
const WRITTEN_PER_SECOND = 2_200;
const EVENTS_PER_TRANSACTION = 4;
const WRITERS = 8;
const SEAL_PERIOD_MS = 250;
const never = new AbortController().signal;

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** How fast security events are sealed while others write them, sealed from a backlog, and verified. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: {
      record: { type: 'boolean', default: false },
      events: { type: 'string', default: '200000' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '15' },
    },
  });
  await using stack = new AsyncDisposableStack();
  const pool = await openDatabase(stack);
  const conditions = conditionsOf(await versionOf(pool), 'PostgreSQL: fsync and synchronous_commit on');

  const lag = await keepUp(pool, Number(values.seconds));
  console.log(`${WRITTEN_PER_SECOND} events/s written: ${lag.unsealed} not sealed when the writing ended`);

  const backlog = await write(pool, Number(values.events));
  const startedAt = performance.now();
  await sealAll(pool, never);
  const sealed = backlog / ((performance.now() - startedAt) / 1_000);

  const verified: number[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const beganAt = performance.now();
    const verdict = await verifyChain(pool);
    if (!verdict.intact) throw new Error(`the chain is broken: ${JSON.stringify(verdict.fault)}`);
    verified.push(verdict.events / ((performance.now() - beganAt) / 1_000));
  }
  const rows: [name: string, perSecond: number, mark: number][] = [
    ['kept up with while they are written', lag.perSecond, MARKS.kept],
    ['sealed from a backlog', sealed, MARKS.sealed],
    ['verified', median(verified), MARKS.verified],
  ];
  const figures: Figures = {
    title: 'security events',
    columns: [
      { title: 'a second', digits: 0 },
      { title: 'at least', digits: 0 },
    ],
    rows: rows.map(([name, perSecond, mark]) => ({ name, values: [perSecond, mark] })),
  };
  const checks = rows.map(([name, perSecond, mark]) => atLeast(`events a second, ${name}`, perSecond, mark));
  const load = { events: Number(values.events), seconds: Number(values.seconds), writers: WRITERS };
  return conclude(
    { suite: 'audit', conditions, load, figures: [figures], checks },
    values.record ? { lag, sealed, verified } : undefined,
  );
}

async function versionOf(pool: Pool): Promise<{ postgres: string }> {
  const { rows } = await pool.query<{ server_version: string }>('show server_version');
  return { postgres: rows[0]?.server_version ?? '' };
}

async function openDatabase(stack: AsyncDisposableStack): Promise<Pool> {
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  chmodSync(scratch, 0o755);
  stack.defer(() => rmSync(scratch, { recursive: true, force: true }));
  const database = stack.use(
    await openEmbeddedDatabase({
      home: mkdtempSync(join(scratch, 'postgres-')),
      outside: join(scratch, 'outside'),
      passwords: { superuser: 'bench-superuser', owner: 'bench-owner', app: 'bench-app' },
    }),
  );
  await migrate({
    config,
    ownerUrl: database.ownerUrl,
    appRole: 'portcullis',
    appendOnly: appendOnlyTables,
    readOnly: readOnlyTables,
    afterwards: (owner) => applyAuditPolicy(owner, 0),
  });
  const options = { name: 'bench', max: WRITERS + 2, onError: () => undefined };
  return stack.adopt(openPool(database.url, options), (opened) => opened.end());
}

/** Writes steadily while one sealer runs, and counts what it had not sealed at the end. */
async function keepUp(pool: Pool, seconds: number): Promise<{ perSecond: number; unsealed: number }> {
  const ended = new AbortController();
  let written = 0;
  const beganAt = performance.now();
  const sealing = (async () => {
    while (!ended.signal.aborted) {
      await sealAll(pool, never);
      await sleep(SEAL_PERIOD_MS);
    }
  })();
  const writers = Array.from({ length: WRITERS }, async () => {
    for (;;) {
      const elapsed = (performance.now() - beganAt) / 1_000;
      if (elapsed > seconds) return;
      if (written > elapsed * WRITTEN_PER_SECOND) await sleep(1);
      else {
        written += EVENTS_PER_TRANSACTION;
        await record(pool, someEvents(EVENTS_PER_TRANSACTION));
      }
    }
  });
  await Promise.all(writers);
  const { rows } = await pool.query<{ sealed: number }>(
    'select coalesce(sum(event_count), 0)::int as sealed from audit_seal',
  );
  const elapsed = (performance.now() - beganAt) / 1_000;
  ended.abort();
  await sealing;
  await sealAll(pool, never);
  const sealed = rows[0]?.sealed ?? 0;
  return { perSecond: sealed / elapsed, unsealed: written - sealed };
}

async function write(pool: Pool, count: number): Promise<number> {
  let left = count;
  const writers = Array.from({ length: 4 }, async () => {
    while (left > 0) {
      left -= 500;
      await record(pool, someEvents(500));
    }
  });
  await Promise.all(writers);
  return Math.ceil(count / 500) * 500;
}

function someEvents(count: number): SecurityEvent[] {
  return Array.from({ length: count }, () => ({
    type: 'login.failed',
    actorKind: 'anonymous',
    targetKind: 'user',
    targetId: '01980b2f-7a3c-7d10-9c1e-6f2b8a4d5e01',
    addressPrefix: '203.0.113.47/32',
    details: { reason: 'wrong', lastAt: '2026-01-01T00:00:00.000Z' },
  }));
}
