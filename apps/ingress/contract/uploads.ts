import { z } from 'zod';
import { reasons } from '#uploads/status.ts';
import { pageQuery } from '../page.ts';
import type { OperationGroup } from './operation.ts';
import { count, id, json, nothing, pageOf, time } from './shapes.ts';

const links = z.object({ self: z.string(), content: z.string().optional() });
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const upload = z.object({
  id,
  ticketId: z.string(),
  ownerId: id,
  status: z.enum(['quarantined', 'scanning', 'clean', 'infected', 'rejected', 'unscannable', 'scan-failed', 'expired']),
  reason: z.enum(reasons).nullable(),
  detail: z.string().nullable(),
  version: count,
  originalName: z.string(),
  size: count,
  sha256: digest,
  type: z.string().nullable().describe('What the bytes were found to be.'),
  verification: z.enum(['structure', 'magic', 'text-heuristic']).nullable(),
  warnings: z.array(z.enum(['csv-formula'])),
  signatures: z.enum(['official', 'test-only']).nullable(),
  createdAt: time,
  updatedAt: time,
  scannedAt: time.nullable(),
  links,
});

const accepted = z.object({
  id,
  status: z.literal('quarantined'),
  size: count,
  sha256: digest,
  originalName: z.string(),
  ticketId: z.string(),
  links,
});

export const uploadOperations: OperationGroup = {
  tag: 'Uploads',
  about: 'A file is quarantined, scanned, and served only when it was found clean.',
  isRouted: true,
  operations: [
    {
      id: 'upload',
      method: 'post',
      path: '/api/attachments/{ticketId}',
      summary: 'Takes one file for a ticket',
      caller: 'signed-in',
      scope: 'uploads:write',
      fields: {
        'idempotency-key': 'The same key gets the same upload again.',
        'repr-digest': '`sha-256=:…:` of the file (RFC 9530); a form may have it as the field `sha256` in hex.',
        'content-disposition': 'For a raw body: `attachment; filename="…"`.',
      },
      body: {
        about: 'A form with one file, or the file itself with its type and Content-Disposition.',
        types: ['multipart/form-data', 'application/octet-stream'],
      },
      answers: { 202: json('It is durable, and waits to be scanned.', accepted, ['location', 'retry-after']) },
      failures: [
        'not-found',
        'malformed-multipart',
        'file-missing',
        'filename-missing',
        'file-empty',
        'too-many-files',
        'too-many-fields',
        'too-large',
        'too-slow',
        'type-not-allowed',
        'encoding-not-allowed',
        'digest-mismatch',
        'idempotency-in-progress',
        'idempotency-key-reuse',
        'rate-limited',
        'quota-exceeded',
        'quarantine-full',
        'storage-full',
        'storage-unavailable',
        'ticket-unchecked',
        'request-malformed',
      ],
    },
    {
      id: 'listUploadsOfTicket',
      method: 'get',
      path: '/api/attachments/{ticketId}',
      summary: "The uploads of a ticket: the caller's own, or for agents and admins all",
      caller: 'signed-in',
      scope: 'uploads:read',
      query: pageQuery,
      answers: { 200: json('The newest first.', pageOf(upload)) },
      failures: ['not-found'],
    },
    {
      id: 'listUploads',
      method: 'get',
      path: '/api/uploads',
      summary: "The caller's own uploads",
      caller: 'signed-in',
      scope: 'uploads:read',
      query: pageQuery,
      answers: { 200: json('The newest first.', pageOf(upload)) },
    },
    {
      id: 'uploadStatus',
      method: 'get',
      path: '/api/uploads/{id}',
      summary: 'How far an upload is; the answer may be held until that changes',
      caller: 'signed-in',
      scope: 'uploads:read',
      fields: {
        prefer: '`wait=25`: hold the answer for so many seconds at most (RFC 7240).',
        'if-none-match': 'The ETag of the status that is known.',
      },
      answers: { 200: json('The upload.', upload, ['etag']), 304: nothing('It is as it was.') },
      failures: ['not-found'],
    },
    {
      id: 'uploadContent',
      method: 'get',
      path: '/api/uploads/{id}/content',
      summary: 'The bytes of a clean upload, always as an attachment',
      caller: 'signed-in',
      scope: 'uploads:read',
      fields: { range: 'One range of bytes.', 'if-range': 'The ETag that the range belongs to.' },
      answers: {
        200: {
          about: 'The file.',
          types: ['*/*'],
          headers: ['etag', 'repr-digest', 'content-disposition', 'content-length'],
        },
        206: { about: 'The range.', types: ['*/*'], headers: ['content-range'] },
      },
      failures: [
        'not-found',
        'not-ready',
        'range-unsatisfiable',
        'storage-unavailable',
        'ticket-unchecked',
        ...reasons,
      ],
    },
    {
      id: 'deleteUpload',
      method: 'delete',
      path: '/api/uploads/{id}',
      summary: 'Deletes an upload and its bytes',
      caller: 'signed-in',
      scope: 'uploads:write',
      answers: { 204: nothing('It is gone.') },
      failures: ['not-found'],
    },
  ],
};
