import { inTransaction } from '#database/pool.ts';
import { inSpan } from '#runtime/traces.ts';
import type { UploadEvent } from '#uploads/record.ts';
import { removeUnnamed } from '#uploads/remove-bytes.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import type { ScanVerdict } from '#uploads/scanner.ts';
import type { SignatureState } from '#uploads/signature-state.ts';
import type { Reason, UploadStatus } from '#uploads/status.ts';
import { scanSourceOf } from '#uploads/stored-bytes.ts';
import { announceNothing, VERDICT_COLUMNS, type UploadVerdict } from '#uploads/verdict.ts';

interface CleanUpload {
  id: string;
  ownerId: string;
  sizeBytes: number;
  sha256: Buffer;
  storedName: string;
  traceparent: string | null;
}

const OUTDATED = `
  select id, owner_id as "ownerId", size_bytes as "sizeBytes", sha256, stored_name as "storedName", traceparent from upload
  where id = $1 and status = 'clean' and deleted_at is null and signature_version is distinct from $2`;

// What only test signatures have seen keeps saying so, whoever looks at it later.
const STILL_CLEAN = `
  update upload set signature_version = $2, scanned_at = now()
  where stored_name = $1 and status = 'clean'`;

// Sorts behind every version that clamd tells, so that those whose file is there come first; and is no version of a twin.
const MISSING = `
  update upload set signature_version = 'file missing'
  where id = $1 and status = 'clean' and deleted_at is null`;

const TURNED = `
  update upload set status = $2, reason = $3, stored_name = null, signature_version = $4, version = version + 1,
    updated_at = now(), scanned_at = now()
  where stored_name = $1 and status = 'clean' and deleted_at is null
  returning ${VERDICT_COLUMNS}`;

/** Scans a clean upload again if the signatures have changed since; everyone who shares a file that turned bad loses it. */
export async function rescanUpload(
  parts: ScanParts,
  id: string,
  signatures: SignatureState,
  signal: AbortSignal,
): Promise<void> {
  const { pool, storage, scanner, traces } = parts;
  const { rows } = await pool.query<CleanUpload>({
    name: 'upload-outdated',
    text: OUTDATED,
    values: [id, signatures.version],
  });
  const upload = rows[0];
  if (upload === undefined) return;
  const file = await storage.open('clean', upload.storedName);
  // Gone with its row meanwhile, or lost: there is nothing that could be served.
  if (file === undefined) {
    const { rowCount } = await pool.query({ name: 'upload-file-missing', text: MISSING, values: [upload.id] });
    if (rowCount === 1) parts.log.error({ uploadId: upload.id }, 'the file of a clean upload is missing');
    return;
  }
  let verdict: ScanVerdict;
  try {
    verdict = await inSpan(
      traces,
      {
        name: 'clamd rescan',
        kind: 'client',
        parent: upload.traceparent,
        attributes: { 'portcullis.upload': upload.id },
        attributesOf: ({ kind }) => ({ 'portcullis.verdict': kind }),
      },
      () => scanner.scan(scanSourceOf(file, upload), signal),
    );
  } finally {
    await file.close();
  }
  if (verdict.kind !== 'clean') await turn(parts, upload, signatures, verdict);
  else if (parts.guard.state.isReady) {
    await pool.query({
      name: 'upload-still-clean',
      text: STILL_CLEAN,
      values: [upload.storedName, signatures.version],
    });
  }
}

async function turn(
  parts: ScanParts,
  upload: CleanUpload,
  signatures: SignatureState,
  verdict: Exclude<ScanVerdict, { kind: 'clean' }>,
): Promise<void> {
  const end = endOf(verdict);
  const { announce = announceNothing } = parts;
  const announced = await inTransaction(parts.pool, async (client) => {
    const values = [upload.storedName, end.status, end.reason, signatures.version];
    const { rows } = await client.query<UploadVerdict>(TURNED, values);
    await parts.record(
      client,
      rows.map(({ id, ownerId }) => ({
        type: end.type,
        actorKind: 'system',
        targetKind: 'upload',
        targetId: id,
        details: { ...end.details, ownerId, afterBeingClean: true },
      })),
    );
    return announce(client, rows);
  });
  announced();
  await removeUnnamed(parts, upload.storedName);
}

interface End {
  status: UploadStatus;
  reason: Reason;
  type: UploadEvent['type'];
  details: UploadEvent['details'];
}

function endOf(verdict: Exclude<ScanVerdict, { kind: 'clean' }>): End {
  if (verdict.kind === 'tampered') {
    return { status: 'rejected', reason: 'tampered', type: 'upload.tampered', details: {} };
  }
  const { signature } = verdict;
  if (verdict.kind === 'infected') {
    return { status: 'infected', reason: 'infected', type: 'upload.infected', details: { signature } };
  }
  const { reason } = verdict;
  return { status: 'unscannable', reason, type: 'upload.refused', details: { reason, signature } };
}
