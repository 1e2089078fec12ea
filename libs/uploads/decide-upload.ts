import { Failure } from '#runtime/failure.ts';
import { inSpan } from '#runtime/traces.ts';
import { passCheckpoint } from '#uploads/checkpoint.ts';
import type { ClaimedUpload, Outcome } from '#uploads/claim.ts';
import { findTwin } from '#uploads/find-twin.ts';
import { infectedOutcome, refusedOutcome, tamperedOutcome } from '#uploads/outcomes.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import type { ScanVerdict } from '#uploads/scanner.ts';
import type { SignatureState } from '#uploads/signature-state.ts';
import type { Storage, StoredBytes } from '#uploads/storage.ts';
import { hasDigest, scanSourceOf } from '#uploads/stored-bytes.ts';

/** The signatures by which macros are found, where our own look has missed them. */
const MACRO_SIGNATURE = /^(?:Heuristics\.OLE2\.ContainsMacros|Local\.Office\.VBA)/;

/**
 * Looks into a claimed upload, has it scanned, asks for its ticket again, and moves it into the clean store if all of
 * that went well. The row is the caller's to close.
 * @throws Failure where nothing can be said about the file.
 */
export async function decideUpload(
  parts: ScanParts,
  upload: ClaimedUpload,
  signatures: SignatureState,
  signal: AbortSignal,
): Promise<Outcome> {
  const { checkpoint = passCheckpoint } = parts;
  const outcome = await judge(parts, upload, signatures, signal);
  if (outcome.status !== 'clean') return outcome;
  const isStillAllowed = await parts.authorise(upload.ownerId, upload.ticketId);
  checkpoint('ticket-asked');
  if (!isStillAllowed) {
    const detail = 'the ticket is no longer open to its owner';
    return refusedOutcome(upload, { status: 'rejected', reason: 'authorisation-revoked', detail });
  }
  if (outcome.storedName !== upload.storedName) return outcome;
  const span = { name: 'promote file', kind: 'internal', parent: upload.traceparent } as const;
  return inSpan(parts.traces, span, () => promote(parts, upload, outcome));
}

async function judge(
  parts: ScanParts,
  upload: ClaimedUpload,
  signatures: SignatureState,
  signal: AbortSignal,
): Promise<Outcome> {
  const file = await openUndecided(parts.storage, upload.storedName);
  if (file === undefined) return tamperedOutcome(upload);
  try {
    if (file.sizeBytes !== upload.sizeBytes) return tamperedOutcome(upload);
    const twin = await findTwin(parts.pool, upload, signatures);
    return twin !== undefined && (await isThere(parts.storage, twin, upload))
      ? twin
      : await lookAndScan(parts, upload, file, signatures, signal);
  } finally {
    await file.close();
  }
}

/**
 * A process that ended between the move and the verdict has left the file in the clean store, and there it is read: it is
 * never moved back. Whoever has lost the claim without knowing would take away what another has promoted meanwhile.
 */
async function openUndecided(storage: Storage, name: string): Promise<StoredBytes | undefined> {
  return (await storage.open('quarantine', name)) ?? storage.open('clean', name);
}

/** The bytes of a twin stand in for the upload's own only if they are those: they may be lost, or not what they were. */
async function isThere(storage: Storage, { storedName }: Outcome, { sha256 }: ClaimedUpload): Promise<boolean> {
  return storedName !== null && (await hasDigest(storage, 'clean', storedName, sha256));
}

async function lookAndScan(
  { inspector, scanner, guard, traces, checkpoint = passCheckpoint }: ScanParts,
  upload: ClaimedUpload,
  file: StoredBytes,
  signatures: SignatureState,
  signal: AbortSignal,
): Promise<Outcome> {
  const claim = { extension: upload.extension, declaredType: upload.declaredType ?? undefined };
  const { traceparent: parent } = upload;
  const fd = await file.descriptor(upload.sha256);
  if (fd === undefined) return tamperedOutcome(upload);
  const inspection = await inSpan(traces, { name: 'inspect file', kind: 'internal', parent }, () =>
    inspector.inspect(fd, upload.sizeBytes, claim),
  );
  checkpoint('file-inspected');
  if (inspection.kind === 'refused') return refusedOutcome(upload, inspection);
  signal.throwIfAborted();
  const verdict = await inSpan(
    traces,
    { name: 'clamd scan', kind: 'client', parent, attributesOf: ({ kind }) => ({ 'portcullis.verdict': kind }) },
    () => scanner.scan(scanSourceOf(file, upload), signal),
  );
  checkpoint('file-scanned');
  if (verdict.kind !== 'clean') return outcomeOf(upload, verdict);
  if (inspection.deferred !== undefined) return refusedOutcome(upload, inspection.deferred);
  // The scanner may have been found out meanwhile.
  if (!guard.state.isReady) throw new Failure('scanner-unavailable', { detail: guard.state.why });
  return {
    status: 'clean',
    reason: null,
    detail: null,
    storedName: upload.storedName,
    verifiedType: inspection.servedType,
    verification: inspection.verification,
    warnings: inspection.warnings,
    signatures: signatures.kind,
    signatureVersion: signatures.version,
    event: undefined,
  };
}

function outcomeOf(upload: ClaimedUpload, verdict: Exclude<ScanVerdict, { kind: 'clean' }>): Outcome {
  if (verdict.kind === 'tampered') return tamperedOutcome(upload);
  const { signature } = verdict;
  if (verdict.kind === 'unscannable') {
    const detail = 'the scanner can not read all of it';
    return refusedOutcome(upload, { status: 'unscannable', reason: verdict.reason, detail, signature });
  }
  if (!MACRO_SIGNATURE.test(signature)) return infectedOutcome(upload, signature);
  return refusedOutcome(upload, { status: 'rejected', reason: 'macro', detail: 'a document with macros', signature });
}

/** The verdict holds for what was scanned: what lies in the clean store afterwards must be exactly that. */
async function promote(parts: ScanParts, upload: ClaimedUpload, outcome: Outcome): Promise<Outcome> {
  const { storage, checkpoint = passCheckpoint } = parts;
  await storage.move(upload.storedName, 'quarantine', 'clean');
  checkpoint('file-moved');
  const isSame = await hasDigest(storage, 'clean', upload.storedName, upload.sha256);
  checkpoint('file-verified');
  return isSame ? outcome : tamperedOutcome(upload);
}
