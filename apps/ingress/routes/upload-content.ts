import { pipeline } from 'node:stream/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { isId } from '#runtime/id.ts';
import { attachmentHeader } from '#uploads/content-disposition.ts';
import { reprDigest } from '#uploads/digest.ts';
import { findUpload, type Upload } from '#uploads/find-uploads.ts';
import { isDecided } from '#uploads/status.ts';
import type { Storage, StoredBytes } from '#uploads/storage.ts';
import type { AuthoriseAttachment } from '#uploads/ticket-check.ts';
import { callerOf } from '../caller.ts';
import { sightOf } from '../sight.ts';
import { rangeOf } from '../range.ts';

export interface ContentParts {
  pool: Pool;
  storage: Storage;
  authorise: AuthoriseAttachment;
}

/** Nothing in a served file can run, be framed, be embedded by another site, or be cached. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'private, no-store',
  'accept-ranges': 'bytes',
};

/** GET and HEAD /api/uploads/:id/content: the bytes of a clean upload, as an attachment, whole or one range. */
export function serveContent({ pool, storage, authorise }: ContentParts): RequestHandler {
  return async (request, response) => {
    const caller = callerOf(response);
    const id = String(request.params['id']);
    const upload = isId(id) ? await findUpload(pool, id, sightOf(caller)) : undefined;
    if (upload === undefined || !(await authorise(caller.userId, upload.ticketId))) throw new Failure('not-found');
    const { storedName } = requireClean(upload);
    const file = await storage.open('clean', storedName);
    // A retro-scan or a deletion may have come between the row and the file.
    if (file === undefined) throw new Failure('not-found');
    try {
      // Fewer bytes than were announced would make the next answer on the connection a part of this one.
      if (file.sizeBytes !== upload.size) throw new Error('a stored file has another size than its upload');
      await send(request, response, upload, file);
    } finally {
      await file.close();
    }
  };
}

function requireClean(upload: Upload): { storedName: string } {
  if (!isDecided(upload.status)) throw new Failure('not-ready', { retryAfterSeconds: 1 });
  if (upload.status !== 'clean' || upload.storedName === null) throw new Failure(upload.reason ?? 'expired');
  return { storedName: upload.storedName };
}

async function send(request: Request, response: Response, upload: Upload, file: StoredBytes): Promise<void> {
  const etag = `"${upload.sha256.toString('hex')}"`;
  const range = rangeOf(request, upload.size, etag);
  const { start, end } = range ?? { start: 0, end: upload.size - 1 };
  // Before anything is said of the answer: what can't be had is a problem then, and no cut connection.
  const bytes = request.method === 'HEAD' ? undefined : await file.read({ start, end });
  response.set({
    ...HEADERS,
    etag,
    'repr-digest': reprDigest(upload.sha256),
    'content-disposition': attachmentHeader(upload.originalName),
    'content-length': String(end - start + 1),
  });
  // Express would add a charset to text; the type is exactly what the verification found.
  response.setHeader('content-type', upload.verifiedType ?? 'application/octet-stream');
  if (range !== undefined) response.set('content-range', `bytes ${start}-${end}/${upload.size}`);
  response.status(range === undefined ? 200 : 206);
  if (bytes === undefined) {
    response.end();
    return;
  }
  await pipeline(bytes, response).catch((error: unknown) => {
    // The status line is out: whoever went away learns nothing more, and a broken file must not look whole.
    if (!response.destroyed) throw error;
  });
}
