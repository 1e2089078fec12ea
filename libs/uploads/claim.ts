import { inTransaction, type Pool } from '#database/pool.ts';
import type { RecordUploadEvents, UploadEvent } from '#uploads/record.ts';
import type { Reason, Signatures, UploadStatus, Verification, Warning } from '#uploads/status.ts';
import { announceNothing, VERDICT_COLUMNS, type AnnounceVerdicts, type UploadVerdict } from '#uploads/verdict.ts';

/** An upload that this process scans. Nobody else does while the claim is renewed. */
export interface ClaimedUpload {
  id: string;
  ownerId: string;
  ticketId: string;
  extension: string;
  declaredType: string | null;
  sizeBytes: number;
  sha256: Buffer;
  storedName: string;
  attempts: number;
  /** W3C Trace Context of what is being done for it, where traces are made. */
  traceparent?: string | null | undefined;
  /** Whatever is decided holds only for this version. */
  version: number;
}

/** How an upload ends, and what is said about it. */
export interface Outcome {
  status: Exclude<UploadStatus, 'quarantined' | 'scanning'>;
  reason: Reason | null;
  detail: string | null;
  /** Where the bytes lie from now on; null: nowhere. */
  storedName: string | null;
  verifiedType: string | null;
  verification: Verification | null;
  warnings: Warning[];
  signatures: Signatures | null;
  signatureVersion: string | null;
  event: Omit<UploadEvent, 'targetKind' | 'targetId' | 'actorKind'> | undefined;
}

const LEASE_SECONDS = 20;
const RENEW_MS = 5_000;

const CLAIM = `
  update upload set status = 'scanning', reason = null, version = version + 1, updated_at = now(),
    next_check_at = now() + $2 * interval '1 second'
  where id = $1 and deleted_at is null and stored_name is not null
    and (status = 'quarantined' or (status = 'scanning' and next_check_at <= now()))
  returning id, owner_id as "ownerId", ticket_id as "ticketId", extension, declared_type as "declaredType",
    size_bytes as "sizeBytes", sha256, stored_name as "storedName", attempts, traceparent, version`;

const RENEW = `
  update upload set next_check_at = now() + $3 * interval '1 second'
  where id = $1 and version = $2 and status = 'scanning'`;

const RELEASE = `
  update upload set status = 'quarantined', reason = $3, version = version + 1, updated_at = now(),
    attempts = attempts + $4, last_error = $5, next_check_at = now() + $6 * interval '1 second'
  where id = $1 and version = $2 and status = 'scanning' and deleted_at is null`;

// Bytes that are shared with an earlier upload must still be named by it when this one begins to name them.
const CLOSE = `
  update upload set status = $3, reason = $4, detail = $5, stored_name = $6, verified_type = $7, verification = $8,
    warnings = $9, signatures = $10, signature_version = $11, version = version + 1, updated_at = now(),
    scanned_at = now()
  where id = $1 and version = $2 and status = 'scanning' and deleted_at is null
    and ($6::text is null or $6 = stored_name or exists (
      select 1 from upload twin where twin.stored_name = $6 and twin.status = 'clean' and twin.deleted_at is null
      for share))
  returning ${VERDICT_COLUMNS}`;

/** Undefined if there is nothing to scan: decided, deleted, or in other hands. */
export async function claimUpload(pool: Pool, id: string): Promise<ClaimedUpload | undefined> {
  const { rows } = await pool.query<ClaimedUpload>({ name: 'upload-claim', text: CLAIM, values: [id, LEASE_SECONDS] });
  return rows[0];
}

/** Keeps a claim alive until the returned function is called. */
export function renewClaim(pool: Pool, { id, version }: ClaimedUpload): () => void {
  const timer = setInterval(() => {
    // A renewal that fails costs the claim at worst, and the row guards then refuse what is decided here.
    pool.query({ name: 'upload-renew', text: RENEW, values: [id, version, LEASE_SECONDS] }).catch(() => undefined);
  }, RENEW_MS);
  return () => clearInterval(timer);
}

export interface Release {
  reason: Reason | null;
  error: string;
  /** Whether this try counts. */
  isAttempt: boolean;
  waitSeconds: number;
}

/** Puts an upload back: it is as it was, and will be scanned again. */
export async function releaseUpload(pool: Pool, { id, version }: ClaimedUpload, release: Release): Promise<void> {
  const { reason, error, isAttempt, waitSeconds } = release;
  const values = [id, version, reason, isAttempt ? 1 : 0, error, waitSeconds];
  await pool.query({ name: 'upload-release', text: RELEASE, values });
}

export interface CloseParts {
  pool: Pool;
  record: RecordUploadEvents;
  announce?: AnnounceVerdicts | undefined;
}

/**
 * Ends an upload, with its event and its announcement in the same transaction. False if it was deleted or claimed by
 * someone else.
 */
export async function closeUpload(
  { pool, record, announce = announceNothing }: CloseParts,
  { id, version }: ClaimedUpload,
  outcome: Outcome,
): Promise<boolean> {
  const values = [
    id,
    version,
    outcome.status,
    outcome.reason,
    outcome.detail,
    outcome.storedName,
    outcome.verifiedType,
    outcome.verification,
    outcome.warnings,
    outcome.signatures,
    outcome.signatureVersion,
  ];
  const { event } = outcome;
  const announced = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<UploadVerdict>({ name: 'upload-close', text: CLOSE, values });
    if (rows.length === 0) return undefined;
    if (event !== undefined) {
      await record(client, [{ ...event, actorKind: 'system', targetKind: 'upload', targetId: id }]);
    }
    return announce(client, rows);
  });
  announced?.();
  return announced !== undefined;
}
