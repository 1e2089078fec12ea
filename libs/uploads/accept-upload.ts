import { createHash } from 'node:crypto';
import { databaseFailure, type Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { Admission } from '#uploads/admission.ts';
import { passCheckpoint, type Checkpoint } from '#uploads/checkpoint.ts';
import type { ReceivedFile } from '#uploads/receive.ts';

export interface AcceptedUpload {
  id: string;
  size: number;
  sha256: string;
  originalName: string;
  ticketId: string;
  /** The same request was accepted before; nothing new was made. */
  isReplay: boolean;
}

export interface UploadFacts {
  ownerId: string;
  ticketId: string;
  originalName: string;
  extension: string;
  declaredType: string | undefined;
  idempotencyKey: string | undefined;
  /** W3C Trace Context of the request, where traces are made. */
  traceparent?: string | undefined;
}

/** How long a fresh upload may wait before the relay rings for it again. */
const FIRST_CHECK_SECONDS = 30;
/** How long a file that is durable may wait for its row. */
const PATIENCE_MS = 30_000;

const INSERT = `
  insert into upload (id, owner_id, ticket_id, status, original_name, extension, declared_type, size_bytes, sha256,
    stored_name, idempotency_key, fingerprint, traceparent, next_check_at)
  values ($1, $2, $3, 'quarantined', $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + $13 * interval '1 second')
  on conflict (owner_id, idempotency_key) do nothing`;

const STORED = `
  select id, fingerprint from upload where owner_id = $1 and idempotency_key = $2`;

export interface AcceptParts {
  pool: Pool;
  /**
   * Runs some rows' commits at a time. A disk that is busy with the bytes of many files is slow to commit; without turns
   * those rows would hold every connection for longer than anyone waits for one.
   */
  commitInTurn: <T>(work: () => Promise<T>) => Promise<T>;
  checkpoint?: Checkpoint;
}

/**
 * Makes received bytes an upload: file and directory synced, then the row committed. What is refused or fails leaves
 * no file.
 * @throws Failure `digest-mismatch`, `idempotency-key-reuse`, `database-unavailable`, `storage-full`.
 */
export async function acceptUpload(
  deps: AcceptParts,
  facts: UploadFacts,
  received: ReceivedFile,
  { expectedSha256, admission }: { expectedSha256: Buffer | undefined; admission: Admission },
): Promise<AcceptedUpload> {
  const { checkpoint = passCheckpoint } = deps;
  const { incoming, sizeBytes, sha256 } = received;
  let isKept = false;
  let mayHaveRow = false;
  try {
    if (expectedSha256 !== undefined && !expectedSha256.equals(sha256)) throw new Failure('digest-mismatch');
    checkpoint('file-written');
    await incoming.commit(sha256);
    checkpoint('file-synced');
    const fresh = { id: admission.uploadId, fingerprint: fingerprintOf(facts, sha256) };
    const syncedAt = performance.now();
    isKept = await deps.commitInTurn(() => {
      if (performance.now() - syncedAt > PATIENCE_MS) throw new Failure('database-unavailable');
      mayHaveRow = true;
      return insert(deps.pool, facts, received, fresh);
    });
    checkpoint('row-committed');
    if (isKept) admission.accepted(sizeBytes);
    const id = isKept ? fresh.id : await storedId(deps.pool, facts, fresh.fingerprint);
    const { originalName, ticketId } = facts;
    return { id, size: sizeBytes, sha256: sha256.toString('hex'), originalName, ticketId, isReplay: !isKept };
  } catch (error) {
    // The row may have been committed although the answer was lost: its file stays, and the orphan sweep decides.
    isKept ||= mayHaveRow && !(error instanceof Failure);
    throw databaseFailure(error);
  } finally {
    if (!isKept) await incoming.abort();
  }
}

async function insert(
  pool: Pool,
  facts: UploadFacts,
  { incoming, sizeBytes, sha256 }: ReceivedFile,
  { id, fingerprint }: { id: string; fingerprint: Buffer },
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'upload-insert',
    text: INSERT,
    values: [
      id,
      facts.ownerId,
      facts.ticketId,
      facts.originalName,
      facts.extension,
      facts.declaredType,
      sizeBytes,
      sha256,
      incoming.name,
      facts.idempotencyKey,
      fingerprint,
      facts.traceparent,
      FIRST_CHECK_SECONDS,
    ],
  });
  return rowCount === 1;
}

async function storedId(pool: Pool, facts: UploadFacts, fingerprint: Buffer): Promise<string> {
  const { rows } = await pool.query<{ id: string; fingerprint: Buffer }>({
    name: 'upload-by-idempotency-key',
    text: STORED,
    values: [facts.ownerId, facts.idempotencyKey],
  });
  const stored = rows[0];
  if (stored === undefined || !stored.fingerprint.equals(fingerprint)) throw new Failure('idempotency-key-reuse');
  return stored.id;
}

/** What makes two requests the same: bytes, name, ticket and user. */
function fingerprintOf(facts: UploadFacts, sha256: Buffer): Buffer {
  const parts = [sha256.toString('hex'), facts.originalName, facts.ticketId, facts.ownerId];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}
