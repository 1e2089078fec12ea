import { defineEntity, p } from '@mikro-orm/core';

/**
 * One uploaded file and what became of it (table upload). Its bytes lie under `storedName`: in the clean store once
 * the status is clean, in quarantine until then, nowhere if it is null.
 */
export const UploadEntity = defineEntity({
  name: 'Upload',
  tableName: 'upload',
  properties: {
    id: p.uuid().primary(),
    ownerId: p.uuid(),
    ticketId: p.text(),
    status: p.text(),
    reason: p.text().nullable(),
    /** Which limit or rule was hit. */
    detail: p.text().nullable(),
    /** Grows with every visible change; the ETag is made of it, and every verdict is guarded by it. */
    version: p.integer().default(1),
    originalName: p.text(),
    extension: p.text(),
    declaredType: p.text().nullable(),
    verifiedType: p.text().nullable(),
    verification: p.text().nullable(),
    warnings: p.array().defaultRaw(`'{}'`),
    sizeBytes: p.bigint('number'),
    sha256: p.blob(),
    storedName: p.text().nullable(),
    signatures: p.text().nullable(),
    signatureVersion: p.text().nullable(),
    idempotencyKey: p.text().nullable(),
    fingerprint: p.blob().nullable(),
    /** W3C Trace Context of the request; null where no traces are made. */
    traceparent: p.text().nullable(),
    attempts: p.integer().default(0),
    lastError: p.text().nullable(),
    nextCheckAt: p.datetime(),
    createdAt: p.datetime().defaultRaw('now()'),
    updatedAt: p.datetime().defaultRaw('now()'),
    scannedAt: p.datetime().nullable(),
    deletedAt: p.datetime().nullable(),
  },
  indexes: [
    { name: 'upload_by_owner', properties: ['ownerId', 'id'] },
    { name: 'upload_by_owner_time', properties: ['ownerId', 'createdAt'] },
    { name: 'upload_by_ticket', properties: ['ticketId', 'id'] },
    { name: 'upload_by_hash', properties: ['ownerId', 'sha256'] },
    { name: 'upload_by_stored_name', properties: ['storedName'] },
    { name: 'upload_by_status', properties: ['status', 'nextCheckAt'] },
    {
      name: 'upload_deleted',
      expression: 'create index upload_deleted on upload (deleted_at) where deleted_at is not null',
    },
    {
      name: 'upload_by_signatures',
      expression:
        "create index upload_by_signatures on upload (coalesce(signature_version, ''), created_at, id) where status = 'clean' and deleted_at is null",
    },
  ],
  uniques: [{ name: 'upload_idempotency', properties: ['ownerId', 'idempotencyKey'] }],
});
