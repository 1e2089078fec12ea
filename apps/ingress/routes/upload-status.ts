import type { Request, RequestHandler, Response } from 'express';
import type { Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { isId } from '#runtime/id.ts';
import type { UploadChanges } from '#uploads/changes.ts';
import { findUpload, type Upload } from '#uploads/find-uploads.ts';
import { isDecided } from '#uploads/status.ts';
import { callerOf, endOfCaller } from '../caller.ts';
import { sightOf } from '../sight.ts';
import { viewOf } from '../upload-view.ts';

const MAX_WAIT_SECONDS = 25;

export interface StatusParts {
  pool: Pool;
  changes: UploadChanges;
}

/**
 * GET /api/uploads/:id: the status with a strong ETag. With `Prefer: wait=n` (RFC 7240 §4.3) the answer is held until
 * the version is another than the one of `If-None-Match`, or, without one, until there is a verdict; but no longer than
 * the caller's session lives.
 */
export function answerStatus({ pool, changes }: StatusParts): RequestHandler {
  return async (request, response) => {
    const caller = callerOf(response);
    const id = String(request.params['id']);
    if (!isId(id)) throw new Failure('not-found');
    const known = request.headers['if-none-match'];
    const waitSeconds = waitOf(request);
    const deadlineMs = performance.now() + waitSeconds * 1000;
    const signedOut = waitSeconds > 0 ? endOfCaller(response) : undefined;
    const gone = AbortSignal.any([goneSignal(response), ...(signedOut === undefined ? [] : [signedOut])]);
    while (true) {
      // Waiting begins before reading, so that no change falls between the two.
      const wait = openWait(changes, id, caller.userId, deadlineMs - performance.now(), gone);
      try {
        const upload = await findUpload(pool, id, sightOf(caller));
        if (upload === undefined) throw new Failure('not-found');
        const isNews = known === undefined ? isDecided(upload.status) : !matches(known, etagOf(upload));
        const isOver = isNews || gone.aborted || !(await wait.changed);
        if (signedOut?.aborted === true) throw new Failure('token-invalid');
        if (isOver) {
          answer(response, upload, { known, waitSeconds });
          return;
        }
      } finally {
        wait.end();
      }
    }
  };
}

interface Wait {
  /** False if nobody waits any longer: too many do, or the process stops. */
  changed: Promise<boolean>;
  end(): void;
}

function openWait(changes: UploadChanges, id: string, userId: string, limitMs: number, gone: AbortSignal): Wait {
  const end = new AbortController();
  const changed =
    limitMs <= 0 ? Promise.resolve(false) : changes.next(id, userId, limitMs, AbortSignal.any([gone, end.signal]));
  return { changed, end: () => end.abort() };
}

function answer(
  response: Response,
  upload: Upload,
  { known, waitSeconds }: { known: string | undefined; waitSeconds: number },
): void {
  const etag = etagOf(upload);
  response.set({ etag, 'cache-control': 'private, no-cache' }).vary('Prefer, Authorization');
  if (waitSeconds > 0) response.set('preference-applied', `wait=${waitSeconds}`);
  if (!isDecided(upload.status)) response.set('retry-after', '1');
  if (known !== undefined && matches(known, etag)) response.status(304).end();
  else response.status(200).json(viewOf(upload));
}

function etagOf({ version }: Upload): string {
  return `"v${version}"`;
}

function matches(header: string, etag: string): boolean {
  return header
    .split(',')
    .map((each) => each.trim().replace(/^W\//, ''))
    .some((each) => each === '*' || each === etag);
}

function waitOf(request: Request): number {
  const match = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,5})/i.exec(String(request.headers['prefer'] ?? ''));
  return match === null ? 0 : Math.min(Number(match[1]), MAX_WAIT_SECONDS);
}

function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
