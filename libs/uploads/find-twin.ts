import type { Pool } from '#database/pool.ts';
import type { ClaimedUpload, Outcome } from '#uploads/claim.ts';
import type { SignatureState } from '#uploads/signature-state.ts';
import type { Signatures, Verification, Warning } from '#uploads/status.ts';

interface Twin {
  storedName: string;
  verifiedType: string;
  verification: Verification;
  warnings: Warning[];
  signatures: Signatures;
}

// Of the same owner only: nobody learns from the time it takes that somebody else has the file.
const TWIN = `
  select stored_name as "storedName", verified_type as "verifiedType", verification, warnings, signatures
  from upload
  where owner_id = $1 and sha256 = $2 and extension = $3 and declared_type is not distinct from $4
    and status = 'clean' and signatures = $5 and signature_version = $6 and stored_name is not null
    and deleted_at is null
  order by id limit 1`;

/**
 * The verdict of a clean upload of the same owner with the same bytes and the same claims, given by the very same
 * signatures; the two then share their bytes.
 */
export async function findTwin(
  pool: Pool,
  upload: ClaimedUpload,
  signatures: SignatureState,
): Promise<Outcome | undefined> {
  const { ownerId, sha256, extension, declaredType } = upload;
  const values = [ownerId, sha256, extension, declaredType, signatures.kind, signatures.version];
  const { rows } = await pool.query<Twin>({ name: 'upload-twin', text: TWIN, values });
  const twin = rows[0];
  if (twin === undefined) return undefined;
  return {
    ...twin,
    status: 'clean',
    reason: null,
    detail: null,
    signatureVersion: signatures.version,
    event: undefined,
  };
}
