import type { Upload } from '#uploads/find-uploads.ts';

/** What a client is told about an upload; never where it lies, nor which signature it matched. */
export function viewOf(upload: Upload): Record<string, unknown> {
  const path = `/api/uploads/${upload.id}`;
  return {
    id: upload.id,
    ticketId: upload.ticketId,
    ownerId: upload.ownerId,
    status: upload.status,
    reason: upload.reason,
    detail: upload.detail,
    version: upload.version,
    originalName: upload.originalName,
    size: upload.size,
    sha256: upload.sha256.toString('hex'),
    type: upload.verifiedType,
    verification: upload.verification,
    warnings: upload.warnings,
    signatures: upload.signatures,
    createdAt: upload.createdAt,
    updatedAt: upload.updatedAt,
    scannedAt: upload.scannedAt,
    links: upload.status === 'clean' ? { self: path, content: `${path}/content` } : { self: path },
  };
}
