import type { PoolClient } from '#database/pool.ts';
import type { Reason, Signatures, UploadStatus, Verification, Warning } from '#uploads/status.ts';

/** How an upload ended, for the application behind. The signature's name is not in it. */
export interface UploadVerdict {
  id: string;
  /** Grows with every change: of two verdicts on one upload the one with the higher version holds. */
  version: number;
  ownerId: string;
  ticketId: string;
  status: UploadStatus;
  reason: Reason | null;
  detail: string | null;
  originalName: string;
  sizeBytes: number;
  sha256: Buffer;
  verifiedType: string | null;
  verification: Verification | null;
  warnings: Warning[];
  signatures: Signatures | null;
  decidedAt: Date;
  /** W3C Trace Context of the request that brought the upload, where traces are made. */
  traceparent: string | null;
}

/** What a statement that ends uploads returns of each. */
export const VERDICT_COLUMNS = `upload.id, upload.version, upload.owner_id as "ownerId", upload.ticket_id as "ticketId",
  upload.status, upload.reason, upload.detail, upload.original_name as "originalName",
  upload.size_bytes as "sizeBytes", upload.sha256, upload.verified_type as "verifiedType", upload.verification,
  upload.warnings, upload.signatures, upload.updated_at as "decidedAt", upload.traceparent`;

/**
 * Writes verdicts in the transaction that makes them, so that none is lost and none told that does not hold. What it
 * returns is called after the commit.
 */
export type AnnounceVerdicts = (client: PoolClient, verdicts: readonly UploadVerdict[]) => Promise<() => void>;

/** Where nobody wants to know. */
export const announceNothing: AnnounceVerdicts = async () => () => undefined;
