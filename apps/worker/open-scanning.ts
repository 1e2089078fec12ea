import { record } from '#audit/record.ts';
import type { Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { HealthCheck } from '#runtime/health.ts';
import type { Log } from '#runtime/log.ts';
import type { Traces } from '#runtime/traces.ts';
import { openTurns } from '#runtime/turns.ts';
import { openBreakdowns } from '#uploads/breakdowns.ts';
import { openClamscanScanner } from '#uploads/clamscan-scanner.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';
import { identifySignatures } from '#uploads/identify-signatures.ts';
import { openInspector } from '#uploads/inspector.ts';
import type { Scanner } from '#uploads/scanner.ts';
import { openScanGuard, type GuardState, type ScanGuard } from '#uploads/scan-guard.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import type { Storage } from '#uploads/storage.ts';
import { openTicketCheck } from '#uploads/ticket-check.ts';
import type { AnnounceVerdicts } from '#uploads/verdict.ts';
import { makeWaitingDue } from '#uploads/waiting-uploads.ts';
import type { WorkerConfig } from './settings.ts';

/** Where no scanner is named nothing is ever scanned: uploads wait. */
const NOWHERE = { path: '/nonexistent/clamd.sock' };

export interface OpenScanningParts {
  config: WorkerConfig;
  pool: Pool;
  storage: Storage;
  announce: AnnounceVerdicts;
  log: Log;
  stack: AsyncDisposableStack;
  onVerdict: (status: string, seconds: number) => void;
  traces: Traces | undefined;
}

/** Opens what scanning needs: threads that look into files, the scanner, and the guard that decides whether to trust it. */
export async function openScanning(parts: OpenScanningParts): Promise<ScanParts> {
  const { config, pool, storage, announce, log, stack, onVerdict, traces } = parts;
  const address = config.CLAMD_URL ?? NOWHERE;
  if (config.CLAMD_URL === undefined) log.warn('CLAMD_URL is not set: uploads wait in quarantine');
  const scanner = await openClamscanScanner({ address });
  const inTurn = openTurns(config.WORKER_CONCURRENCY_UPLOADS);
  const scannerInTurn: Scanner = { scan: (source, signal) => inTurn(() => scanner.scan(source, signal)) };
  const inspector = stack.adopt(
    openInspector({ policy: defaultPolicy, threads: config.WORKER_CONCURRENCY_UPLOADS }),
    (opened) => opened.close(),
  );
  const guard = stack.adopt(
    openScanGuard({
      scanner,
      identify: () => identifySignatures(address),
      maxBytes: config.UPLOAD_MAX_BYTES,
      allowTestSignatures: config.SCAN_TEST_SIGNATURES === 'allow',
      log,
    }),
    (opened) => opened.close(),
  );
  guard.onChange((state) => {
    tellChange(pool, state).catch((error: unknown) =>
      log.warn({ err: error }, 'the change of the scanner could not be recorded'),
    );
  });
  const authorise = openTicketCheck(config.TICKET_CHECK_URL);
  return {
    pool,
    storage,
    inspector,
    scanner: scannerInTurn,
    guard,
    breakdowns: openBreakdowns(),
    authorise,
    record,
    announce,
    log,
    onVerdict,
    traces,
  };
}

async function tellChange(pool: Pool, state: GuardState): Promise<void> {
  if (state.isReady) await makeWaitingDue(pool);
  await record(pool, [
    {
      type: state.isReady ? 'scanner.ready' : 'scanner.failed',
      actorKind: 'system',
      targetKind: 'scanner',
      details: state.isReady ? { signatures: state.signatures.version } : { why: state.why },
    },
  ]);
}

/** A scanner that is away only delays; one that can't be trusted is a reason to look at once. */
export function scannerChecks(guard: ScanGuard): HealthCheck[] {
  const requireReady = async (isOurs: (state: GuardState) => boolean): Promise<void> => {
    const { state } = guard;
    if (!state.isReady && isOurs(state)) throw new Failure('unready', { detail: state.why });
  };
  return [
    { name: 'scanner', required: false, check: () => requireReady((state) => !state.isReady && !state.isUntrusted) },
    { name: 'verdicts', required: true, check: () => requireReady((state) => !state.isReady && state.isUntrusted) },
  ];
}
