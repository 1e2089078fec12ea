import { Registry } from 'prom-client';
import { lastRotation } from '#audit/last-rotation.ts';
import { record } from '#audit/record.ts';
import { isSealDue, trailHead } from '#audit/trail-state.ts';
import type { Pool } from '#database/pool.ts';
import type { Producer } from '#queue/producer.ts';
import { Failure } from '#runtime/failure.ts';
import { openLog } from '#runtime/log.ts';
import { openOutbound } from '#runtime/outbound.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { trustingGuard } from '#testing/upload-scanner.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';
import { openInspector } from '#uploads/inspector.ts';
import type { Scanner } from '#uploads/scanner.ts';
import { storedNames } from '#uploads/stored-names.ts';
import type { Storage } from '#uploads/storage.ts';
import { makeUploadsDue, makeWaitingDue } from '#uploads/waiting-uploads.ts';
import { erasePerson } from '#webhooks/erase/erase-person.ts';
import type { EventHandler } from '#webhooks/handler.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { usedLabels } from '#webhooks/label-use.ts';
import { openReceiptProcessor } from '#webhooks/process-receipts.ts';
import { countAttempt } from '#webhooks/receipt-attempts.ts';
import { makeAllDue } from '#webhooks/relay.ts';
import { openSystemMetrics } from '../../../apps/board/system-metrics.ts';
import { announcementOf } from '../../../apps/worker/announce-verdicts.ts';
import { handleEvent } from '../../../apps/worker/jobs/handle-event.ts';
import { processWebhook } from '../../../apps/worker/jobs/process-webhook.ts';
import { scanUpload } from '../../../apps/worker/jobs/scan-upload.ts';
import { sealEvents } from '../../../apps/worker/jobs/seal-events.ts';
import { sweep, sweepOverdue } from '../../../apps/worker/jobs/sweep.ts';
import { openTrail } from '../../../apps/worker/open-trail.ts';
import { relayedTables, relayedUploads } from '../../../apps/worker/relayed-tables.ts';

const never = new AbortController().signal;
const silent: Producer = {
  ring: () => Promise.resolve(),
  ringMany: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
const outside: EventHandler = { name: 'outside', wants: () => true, call: () => Promise.resolve() };
const inside: EventHandler = { name: 'inside', wants: () => true, apply: () => Promise.resolve() };

/** Says of a file what its text says. */
const scanner: Scanner = {
  async scan(source) {
    const text = Buffer.concat(await Array.fromAsync(source.read())).toString();
    if (text.startsWith('unreadable')) throw new Failure('scan-inconclusive');
    return text.startsWith('infected') ? { kind: 'infected', signature: 'Test' } : { kind: 'clean' };
  },
};

export interface WorkerFloor {
  pool: Pool;
  storage: Storage;
  stack: AsyncDisposableStack;
}

/** What a worker of every queue stands on; its scanner believes what a file says of itself. */
export async function openWorkerParts({ pool, storage, stack }: WorkerFloor) {
  const log = openLog({ name: 'test', level: 'silent' });
  const handlers = [outside, inside];
  const announce = announcementOf({ handlers, onEvents: () => undefined });
  const inspector = stack.adopt(openInspector({ policy: defaultPolicy, threads: 1 }), (opened) => opened.close());
  const outbound = stack.adopt(openOutbound({ allowPrivate: false }), (opened) => opened.close());
  const processor = stack.adopt(
    openReceiptProcessor({ pool, wants: () => true, onEvents: () => undefined }),
    (opened) => opened.drain(),
  );
  const guard = await trustingGuard();
  const scan = { pool, storage, inspector, scanner, guard, authorise: async () => true, record, announce, log };
  const trail = openTrail({
    pool,
    outbound,
    config: {},
    metrics: { sealed: () => undefined, raised: () => undefined },
    log,
  });
  return {
    trail,
    pool,
    producer: silent,
    processor,
    handlers,
    log,
    storage,
    announce,
    retentionDaysOf: () => 5,
    tendTrail: trail.tend,
    receivers: [],
    identifySignatures: async () => ({ kind: 'test-only' as const, version: 'none', madeAt: undefined }),
    scanning: () => scan,
  };
}

type WorkerParts = Awaited<ReturnType<typeof openWorkerParts>>;

/** All that workers, the board and the tools do with the database but for receipts, once. */
export async function workAsWorkers(parts: WorkerParts): Promise<void> {
  const { pool, trail } = parts;
  await scanAll(parts);
  await sealEvents(parts).run({});
  await isSealDue(pool);
  await trailHead(pool);
  await trail.judge(never);
  await openSystemMetrics(new Registry(), pool)();
  await lastRotation(pool, 'SESSION_SECRET', 'use');
  await usedLabels(pool, 'shop', 24);
  await storedNames(pool);
  await erasePerson({ pool, record }, { subject: 'phone:4917012345678', dryRun: true });
  await erasePerson({ pool, record }, { subject: 'phone:4917012345678', dryRun: false });
  for (const name of ['receipts', 'sessions', 'limits', 'uploads', 'rescans', 'months', 'chain'] as const) {
    await sweep(parts).run({ sweep: name });
  }
  await sweepOverdue(parts, never);
}

/** Receipts become events, and events are handled; some fail for good. */
export async function workOffReceipts(parts: WorkerParts): Promise<void> {
  const { pool } = parts;
  const drafts = [
    receiptDraft('{"not": "of this provider"'),
    receiptDraft('cut off', { provider: 'woocommerce', source: 'shop' }),
  ];
  await insertReceipts(pool, drafts, Date.now());
  await countAttempt(pool, drafts[0]?.id ?? '', new Error('of this test'));
  const [receipts, events] = relayedTables(parts);
  await makeAllDue(pool);
  for (const onlyOverdue of [true, false]) {
    const ids = (await receipts?.claim({ onlyOverdue })) ?? [];
    for (const id of ids)
      await processWebhook(parts)
        .run({ receiptIds: [id] })
        .catch(() => undefined);
  }
  await processWebhook(parts)
    .run({ receiptIds: drafts.map(({ id }) => id) })
    .catch(() => undefined);
  const { rows } = await pool.query<{ id: string }>("select id from webhook_event where state = 'open'");
  for (const { id } of rows.slice(0, 3)) await handleEvent(parts).run({ eventIds: [id] });
  await handleEvent(parts).run({ eventIds: [rows[0]?.id ?? ''] });
  const due = (await events?.claim({})) ?? [];
  await events?.work(due);
}

async function scanAll(parts: WorkerParts): Promise<void> {
  const { pool } = parts;
  const scan = parts.scanning();
  const { rows } = await pool.query<{ id: string }>(
    "select id from upload where status = 'quarantined' and original_name = 'a.txt' order by id",
  );
  const away = { ...scan.guard, state: { isReady: false, why: 'away', isUntrusted: false } as const };
  const waiting = { ...parts, scanning: () => ({ ...scan, guard: away }) };
  for (const { id } of rows.slice(0, 1)) await scanUpload(waiting).run({ uploadId: id });
  await makeUploadsDue(pool);
  await makeWaitingDue(pool);
  await relayedUploads(parts).claim({});
  for (const { id } of rows)
    await scanUpload(parts)
      .run({ uploadId: id })
      .catch(() => undefined);
  const newer = { kind: 'test-only', version: 'newer', madeAt: undefined } as const;
  const worse: Scanner = { scan: async () => ({ kind: 'infected', signature: 'Test' }) };
  const made = "status = 'clean' and original_name = 'a.txt'";
  const empty: Storage = { ...scan.storage, open: async () => undefined };
  for (const again of [{ storage: empty }, { scanner }, { scanner: worse }]) {
    await pool.query(`update upload set signature_version = 'older' where ${made}`);
    const clean = await pool.query<{ id: string }>(`select id from upload where ${made}`);
    const rescan = {
      ...scan,
      ...again,
      guard: { ...scan.guard, state: { isReady: true, signatures: newer } as const },
    };
    for (const { id } of clean.rows) await scanUpload({ scanning: () => rescan }).run({ uploadId: id });
  }
}
