import { join } from 'node:path';
import type { Pool } from '#database/pool.ts';
import type { HealthCheck } from '#runtime/health.ts';
import type { Log } from '#runtime/log.ts';
import { startTicker } from '#runtime/ticker.ts';
import { Failure } from '#runtime/failure.ts';
import type { Journal } from '#webhooks/journal.ts';
import type { Sources } from '#webhooks/sources.ts';
import { drainSpool } from '#webhooks/spool/drain.ts';
import { openSpool } from '#webhooks/spool/spool.ts';
import { openSpoolingJournal } from '#webhooks/spool/spooling-journal.ts';
import type { SpoolMetrics } from './spool-metrics.ts';

const DRAIN_MS = 1_000;
/** Looks for what other processes have left, once in so many drains. */
const ADOPT_EVERY = 30;

export interface OutageParts {
  stack: AsyncDisposableStack;
  log: Log;
  sources: Sources;
  journal: Journal;
  /** Of the journal, with its short time-outs. */
  pool: Pool;
  dataDir: string;
  maxBytes: number;
  ring: (receiptIds: string[]) => void;
  metrics: SpoolMetrics;
}

export interface Outage {
  journal: Journal;
  checks: HealthCheck[];
}

/** What happens to webhooks while PostgreSQL is away: the sources that ask for it get a spool on the local disk. */
export async function openOutage(parts: OutageParts): Promise<Outage> {
  const { stack, log, sources, journal, pool, ring, metrics } = parts;
  const database = async (): Promise<void> => {
    await pool.query('select 1');
  };
  const spooled = new Set([...sources.values()].filter(({ outage }) => outage === 'spool').map(({ name }) => name));
  if (spooled.size === 0) {
    return { journal, checks: [{ name: 'database', required: true, check: database }] };
  }

  const root = join(parts.dataDir, 'spool');
  const spool = stack.adopt(await openSpool({ root, maxBytes: parts.maxBytes }), (opened) => opened.close());
  metrics.watch(spool);
  const spooling = openSpoolingJournal({
    journal,
    spool,
    isSpooled: (source) => spooled.has(source),
    onSpooled: (source) => metrics.spooled(source),
  });
  let drains = 0;
  const ticker = startTicker(
    DRAIN_MS,
    async (signal) => {
      if (drains++ % ADOPT_EVERY === 0) {
        const segments = await spool.adopt();
        if (segments > 0) log.info({ segments }, 'took over what another process had left in its spool');
      }
      const receipts = await drainSpool({
        spool,
        client: pool,
        onCommitted: ring,
        onTaken: () => spooling.takenByDatabase(),
        onSetAside: (about) => {
          metrics.setAside();
          log.error(about, 'a part of the spool could not be stored and is kept as a file');
        },
        signal,
      });
      metrics.drained(receipts);
      if (receipts > 0) log.info({ receipts }, 'the spool is drained');
    },
    (error) => log.warn({ err: error }, 'the spool could not be drained; it is tried again'),
  );
  stack.defer(() => ticker.close());

  return {
    journal: spooling,
    checks: [
      { name: 'database', required: false, check: database },
      { name: 'spool', required: false, check: async () => requireEmpty(spool.usedBytes) },
      {
        name: 'store',
        required: true,
        check: async () => {
          if (!spool.hasRoom) await database();
        },
      },
    ],
  };
}

function requireEmpty(usedBytes: number): void {
  if (usedBytes > 0) throw new Failure('not-ready', { detail: 'receipts wait in the spool' });
}
