import { databaseFailure } from '#database/pool.ts';
import { isFailure } from '#runtime/failure.ts';
import { inSpan } from '#runtime/traces.ts';
import { passCheckpoint } from '#uploads/checkpoint.ts';
import {
  claimUpload,
  closeUpload,
  releaseUpload,
  renewClaim,
  type ClaimedUpload,
  type Outcome,
} from '#uploads/claim.ts';
import { decideUpload } from '#uploads/decide-upload.ts';
import { storageFailure } from '#uploads/disk-file.ts';
import { failedOutcome } from '#uploads/outcomes.ts';
import { removeUnnamed } from '#uploads/remove-bytes.ts';
import { rescanUpload } from '#uploads/rescan-upload.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import type { SignatureState } from '#uploads/signature-state.ts';
import { markWaiting } from '#uploads/waiting-uploads.ts';

const MAX_ATTEMPTS = 5;
const WAIT_SECONDS = 30;
/** So often in a row may the scanner break down over an upload before that is taken for more than a coincidence. */
const FORGIVEN_BREAKDOWNS = 2;

/**
 * Brings one upload to its verdict. It may be called twice, in two processes, and after a crash at any point: every
 * change is guarded by the row's version. While the scanner is away the upload stays in quarantine, and no try counts.
 * @throws what went wrong, when trying again can help.
 */
export async function scanUpload(parts: ScanParts, id: string, signal: AbortSignal): Promise<void> {
  const { pool, guard, checkpoint = passCheckpoint } = parts;
  const { state } = guard;
  if (!state.isReady) {
    await markWaiting(pool, id);
    return;
  }
  const upload = await claimUpload(pool, id);
  if (upload === undefined) {
    await rescanUpload(parts, id, state.signatures, signal);
    return;
  }
  checkpoint('scan-claimed');
  const begunMs = performance.now();
  const stopRenewing = renewClaim(pool, upload);
  try {
    const outcome = await bringToVerdict(parts, upload, state.signatures, signal);
    parts.breakdowns?.forget(id);
    parts.onVerdict?.(outcome.status, (performance.now() - begunMs) / 1000);
  } catch (error) {
    await putBack(parts, upload, error, signal);
  } finally {
    stopRenewing();
  }
}

function bringToVerdict(
  parts: ScanParts,
  upload: ClaimedUpload,
  signatures: SignatureState,
  signal: AbortSignal,
): Promise<Outcome> {
  const span = {
    name: 'scan upload',
    kind: 'consumer',
    parent: upload.traceparent,
    attributes: { 'portcullis.upload': upload.id },
    attributesOf: ({ status }: Outcome) => ({ 'portcullis.status': status }),
  } as const;
  return inSpan(parts.traces, span, async (traceparent) => {
    const outcome = await decideUpload(parts, { ...upload, traceparent }, signatures, signal);
    await close(parts, upload, outcome);
    return outcome;
  });
}

/** Row first, then bytes: whatever is left behind in between has no row, and the orphan sweep removes it. */
async function close(parts: ScanParts, upload: ClaimedUpload, outcome: Outcome): Promise<void> {
  const { checkpoint = passCheckpoint } = parts;
  await closeUpload(parts, upload, outcome);
  checkpoint('verdict-committed');
  // Also where the row was deleted meanwhile; a file that a row still names is left alone.
  if (outcome.storedName !== upload.storedName || outcome.status === 'clean') {
    await removeUnnamed(parts, upload.storedName);
  }
  checkpoint('bytes-removed');
}

async function putBack(parts: ScanParts, upload: ClaimedUpload, error: unknown, signal: AbortSignal): Promise<void> {
  const { pool, log } = parts;
  const text = describe(error);
  if (signal.aborted) {
    await releaseUpload(pool, upload, { reason: null, error: 'stopped', isAttempt: false, waitSeconds: 0 });
    return;
  }
  if (await isScannersFault(parts, error)) {
    log.warn({ uploadId: upload.id, err: error }, 'the scanner is away: the upload waits');
    const breakdowns = isFailure(error, 'scan-inconclusive') ? (parts.breakdowns?.add(upload.id) ?? 0) : 0;
    if (breakdowns > FORGIVEN_BREAKDOWNS) await setApart(parts, upload, error, breakdowns - FORGIVEN_BREAKDOWNS);
    else {
      const release = { error: text, isAttempt: false, waitSeconds: WAIT_SECONDS };
      await releaseUpload(pool, upload, { ...release, reason: 'scanner-unavailable' });
    }
    return;
  }
  const failure = storageFailure(databaseFailure(error));
  const isAttempt = !isFailure(failure) || failure.retry !== 'free';
  if (isAttempt && isLastAttempt(upload)) {
    await giveUp(parts, upload, error);
    return;
  }
  await releaseUpload(pool, upload, { reason: null, error: text, isAttempt, waitSeconds: WAIT_SECONDS });
  throw failure;
}

/**
 * A file may be what the scanner dies of. It waits by itself, longer each time and not until the scanner is back, so that
 * the others go on; and its tries count.
 */
async function setApart(parts: ScanParts, upload: ClaimedUpload, error: unknown, times: number): Promise<void> {
  if (isLastAttempt(upload)) {
    await giveUp(parts, upload, error);
    return;
  }
  // Two that were being scanned when it died don't meet again.
  const waitSeconds = WAIT_SECONDS * 2 ** times * (0.5 + Math.random());
  await releaseUpload(parts.pool, upload, { reason: null, error: describe(error), isAttempt: true, waitSeconds });
}

function isLastAttempt({ attempts }: ClaimedUpload): boolean {
  return attempts + 1 >= MAX_ATTEMPTS;
}

async function giveUp(parts: ScanParts, upload: ClaimedUpload, error: unknown): Promise<void> {
  parts.log.error({ uploadId: upload.id, err: error }, 'an upload could not be scanned');
  parts.breakdowns?.forget(upload.id);
  await close(parts, upload, failedOutcome(upload, describe(error)));
}

/** An answer that is none may be the file's fault or the scanner's: a canary decides. */
async function isScannersFault({ guard }: ScanParts, error: unknown): Promise<boolean> {
  if (isFailure(error, 'scanner-unavailable')) {
    await guard.isScannerWell();
    return true;
  }
  return isFailure(error, 'scan-inconclusive') && !(await guard.isScannerWell());
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : 'unknown';
}
