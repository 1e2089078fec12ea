import type { ClaimedUpload, Outcome } from '#uploads/claim.ts';
import type { Refused } from '#uploads/inspect/inspect-file.ts';
import type { Reason } from '#uploads/status.ts';

const NOTHING = {
  detail: null,
  storedName: null,
  verifiedType: null,
  verification: null,
  warnings: [],
  signatures: null,
  signatureVersion: null,
} as const;

type RefusalReason = Refused['reason'] | Extract<Reason, 'authorisation-revoked'>;

export function refusedOutcome(
  { ownerId, sizeBytes }: ClaimedUpload,
  refused: { status: Refused['status']; reason: RefusalReason; detail: string; signature?: string },
): Outcome {
  const { status, reason, detail, signature = null } = refused;
  const details = { status, reason, detail, signature, ownerId, sizeBytes };
  return { ...NOTHING, warnings: [], status, reason, detail, event: { type: 'upload.refused', details } };
}

export function infectedOutcome({ ownerId, sha256, sizeBytes }: ClaimedUpload, signature: string): Outcome {
  const details = { signature, ownerId, sizeBytes, sha256: sha256.toString('hex') };
  return {
    ...NOTHING,
    warnings: [],
    status: 'infected',
    reason: 'infected',
    event: { type: 'upload.infected', details },
  };
}

export function tamperedOutcome({ ownerId, sha256, sizeBytes }: ClaimedUpload): Outcome {
  const details = { ownerId, sizeBytes, sha256: sha256.toString('hex') };
  return {
    ...NOTHING,
    warnings: [],
    status: 'rejected',
    reason: 'tampered',
    event: { type: 'upload.tampered', details },
  };
}

/** Given up. The bytes stay in quarantine until they expire, and nobody can read them. */
export function failedOutcome({ ownerId, storedName, attempts }: ClaimedUpload, error: string): Outcome {
  const details = { ownerId, attempts: attempts + 1, error };
  return {
    ...NOTHING,
    warnings: [],
    storedName,
    status: 'scan-failed',
    reason: 'scanner-unavailable',
    event: { type: 'upload.failed', details },
  };
}
