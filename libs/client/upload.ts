import { sendSignedIn, type AuthorizedFetchParts } from './authorized-fetch.ts';
import { pause } from './pause.ts';
import { ClientProblem, isPassing, pauseMsOf, problemFrom, problemOf } from './problem.ts';

export interface UploadOptions {
  /** What the file belongs to, in the words of the application. */
  ticketId: string;
  /** Of a Blob that has none. */
  name?: string;
  /** Of the whole request, which is a little longer than the file. */
  onProgress?: (progress: { sentBytes: number; totalBytes: number }) => void;
  signal?: AbortSignal;
  /** The same key never stores the file twice (one day). Made where none is given. */
  idempotencyKey?: string;
}

export interface UploadReceipt {
  id: string;
  status: 'quarantined';
  /** In bytes. */
  size: number;
  /** In hex. */
  sha256: string;
  originalName: string;
  ticketId: string;
}

const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Hashing needs the file in memory. */
const MAX_HASHED_BYTES = 256 * 1024 * 1024;

export function openUploads(parts: AuthorizedFetchParts) {
  const { session, platform, clock, targetOf } = parts;

  function sendOnce(file: Blob, options: UploadOptions, headers: Record<string, string>): Promise<Response> {
    const { ticketId, onProgress, signal } = options;
    const form = new FormData();
    form.set('file', file, options.name ?? ('name' in file ? String(file.name) : 'file'));
    const request = {
      url: targetOf(`/api/attachments/${encodeURIComponent(ticketId)}`).url,
      form,
      signal,
      onProgress: (sentBytes: number) =>
        onProgress?.({ sentBytes: Math.min(sentBytes, file.size), totalBytes: file.size }),
    };
    return sendSignedIn({ session, clock, signal, mayRepeat: true }, (authorization) =>
      platform.sendForm({ ...request, headers: { ...headers, authorization } }),
    );
  }

  async function receiptOf(answer: Promise<Response>): Promise<UploadReceipt | ClientProblem> {
    const response = await answer;
    return response.ok ? ((await response.json()) as UploadReceipt) : problemOf(response);
  }

  return async function upload(file: Blob, options: UploadOptions): Promise<UploadReceipt> {
    const headers = {
      'idempotency-key': options.idempotencyKey ?? crypto.randomUUID?.() ?? String(platform.random()).slice(2),
      ...(await digestHeaderOf(file)),
    };
    for (let tries = 1; ; tries += 1) {
      const outcome = await receiptOf(sendOnce(file, options, headers)).catch(problemFrom);
      if (!(outcome instanceof ClientProblem)) {
        options.onProgress?.({ sentBytes: file.size, totalBytes: file.size });
        return outcome;
      }
      const pauseMs = pauseMsOf(outcome, FIRST_PAUSE_MS * 2 ** (tries - 1));
      const mayPass = isPassing(outcome) || outcome.code === 'idempotency-in-progress';
      if (!mayPass || tries === MAX_TRIES || pauseMs > LONGEST_PAUSE_MS) throw outcome;
      await pause(platform, pauseMs, options.signal);
    }
  };
}

/** RFC 9530. Pages of plain http have no SubtleCrypto. */
async function digestHeaderOf(file: Blob): Promise<Record<string, string>> {
  const subtle = globalThis.crypto.subtle as typeof crypto.subtle | undefined;
  if (subtle === undefined || file.size > MAX_HASHED_BYTES) return {};
  const digest = await subtle.digest('SHA-256', await file.arrayBuffer());
  return { 'repr-digest': `sha-256=:${btoa(String.fromCharCode(...new Uint8Array(digest)))}:` };
}
