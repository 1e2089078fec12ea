import type { IncomingMessage } from 'node:http';
import { Router, type RequestHandler } from 'express';
import { Failure } from '#runtime/failure.ts';
import { isId } from '#runtime/id.ts';
import type { UploadChanges } from '#uploads/changes.ts';
import { deleteUpload } from '#uploads/delete-upload.ts';
import { listUploads, type UploadPage } from '#uploads/find-uploads.ts';
import type { RecordUploadEvents } from '#uploads/record.ts';
import { isTicketId } from '#uploads/ticket-check.ts';
import { callerOf } from '../caller.ts';
import { pageQuery } from '../page.ts';
import { queryOf } from '../request.ts';
import { sightOf } from '../sight.ts';
import { viewOf } from '../upload-view.ts';
import { takeAttachment, type AttachmentParts } from './attachments.ts';
import { serveContent } from './upload-content.ts';
import { answerStatus } from './upload-status.ts';

export interface UploadRouteParts extends AttachmentParts {
  changes: UploadChanges;
  record: RecordUploadEvents;
  /** Let a caller in, before anything else is read. */
  mayRead: RequestHandler;
  mayWrite: RequestHandler;
}

/** Whether a request brings a file: whether its body is wanted at all is decided by the route, before it is sent. */
export function isUpload({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && url.startsWith('/api/attachments/');
}

/** Everything about uploads: taking them, following them, serving and deleting them. */
export function uploadRoutes(parts: UploadRouteParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const { mayRead, mayWrite } = parts;
  router.post('/api/attachments/:ticketId', mayWrite, takeAttachment(parts));
  router.get('/api/attachments/:ticketId', mayRead, listOfTicket(parts));
  router.get('/api/uploads', mayRead, listOwn(parts));
  router.get('/api/uploads/:id', mayRead, answerStatus(parts));
  router.get('/api/uploads/:id/content', mayRead, serveContent(parts));
  router.delete('/api/uploads/:id', mayWrite, remove(parts));
  return router;
}

function listOwn({ pool }: UploadRouteParts): RequestHandler {
  return async (request, response) => {
    const { limit, cursor } = queryOf(pageQuery, request);
    const page = await listUploads(pool, { ownerId: callerOf(response).userId }, { limit, cursor });
    response.set('cache-control', 'no-store').json(pageOf(page));
  };
}

function listOfTicket({ pool }: UploadRouteParts): RequestHandler {
  return async (request, response) => {
    const ticketId = String(request.params['ticketId']);
    if (!isTicketId(ticketId)) throw new Failure('not-found');
    const { limit, cursor } = queryOf(pageQuery, request);
    const page = await listUploads(pool, sightOf(callerOf(response)), { limit, cursor, ticketId });
    response.set('cache-control', 'no-store').json(pageOf(page));
  };
}

function remove(parts: UploadRouteParts): RequestHandler {
  return async (request, response) => {
    const caller = callerOf(response);
    const id = String(request.params['id']);
    if (!isId(id) || !(await deleteUpload(parts, id, sightOf(caller), caller))) throw new Failure('not-found');
    response.status(204).set('cache-control', 'no-store').end();
  };
}

function pageOf({ items, nextCursor }: UploadPage): unknown {
  return { items: items.map(viewOf), nextCursor: nextCursor ?? null };
}
