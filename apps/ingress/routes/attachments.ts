import type { Request, RequestHandler, Response } from 'express';
import { Failure } from '#runtime/failure.ts';
import { inSpan, type Traces } from '#runtime/traces.ts';
import { acceptUpload, type AcceptedUpload, type AcceptParts } from '#uploads/accept-upload.ts';
import type { Admissions } from '#uploads/admission.ts';
import { fileNamesOf } from '#uploads/content-disposition.ts';
import { sha256Of } from '#uploads/digest.ts';
import { extensionOf, safeName } from '#uploads/file-name.ts';
import { isTakenRaw, type FilePolicy } from '#uploads/file-policy.ts';
import type { UploadLimits } from '#uploads/limits.ts';
import { defaultPace, openBody, type Pace } from '#uploads/read-body.ts';
import { openReception, receive, tooLarge, type ReceivedFile, type Reception } from '#uploads/receive.ts';
import { ENVELOPE_BYTES, receiveMultipart } from '#uploads/receive-multipart.ts';
import type { Storage } from '#uploads/storage.ts';
import { isTicketId, type AuthoriseAttachment } from '#uploads/ticket-check.ts';
import { callerOf } from '../caller.ts';
import { closeAfterAnswer } from '../linger.ts';

export interface AttachmentParts extends AcceptParts {
  storage: Storage;
  admissions: Admissions;
  policy: FilePolicy;
  limits: UploadLimits;
  authorise: AuthoriseAttachment;
  /** Tells the workers; the relay does it again where this fails. */
  ring: (uploadId: string) => Promise<void>;
  onDoorbellMissed: (error: unknown) => void;
  pace?: Pace;
  traces?: Traces | undefined;
  traceparentOf?: ((request: Request) => string | undefined) | undefined;
}

interface ReceivedUpload extends ReceivedFile {
  originalName: string;
  extension: string;
  declaredType: string | undefined;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** POST /api/attachments/:ticketId: takes one file, and answers 202 when it is durable. */
export function takeAttachment(parts: AttachmentParts): RequestHandler {
  return async (request, response) => {
    try {
      const accepted = await take(parts, request, response);
      answerAccepted(response, accepted);
      if (!accepted.isReplay) parts.ring(accepted.id).catch(parts.onDoorbellMissed);
    } catch (error) {
      closeAfterAnswer(request, response);
      throw error;
    }
  };
}

function answerAccepted(response: Response, upload: AcceptedUpload): void {
  const { id, size, sha256, originalName, ticketId } = upload;
  const path = `/api/uploads/${id}`;
  response
    .status(202)
    .set({ location: path, 'retry-after': '1', 'cache-control': 'no-store' })
    .json({
      id,
      status: 'quarantined',
      size,
      sha256,
      originalName,
      ticketId,
      links: { self: path, content: `${path}/content` },
    });
}

async function take(parts: AttachmentParts, request: Request, response: Response): Promise<AcceptedUpload> {
  const { limits } = parts;
  const { userId: ownerId } = callerOf(response);
  const ticketId = String(request.params['ticketId']);
  const form = formOf(request, parts);
  const idempotencyKey = idempotencyKeyOf(request);
  const announcedSha256 = announcedDigest(request);
  const expectedBytes = announcedBytes(request, limits.maxBytes, form);
  if (!isTicketId(ticketId) || !(await parts.authorise(ownerId, ticketId))) throw new Failure('not-found');
  const admission = await parts.admissions.admit({ ownerId, expectedBytes, idempotencyKey });
  try {
    if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
    const { file, sha256 } =
      form === 'multipart' ? await readForm(parts, request) : await readRaw(parts, request, form);
    const traceparent = parts.traceparentOf?.(request);
    const facts = { ...file, ownerId, ticketId, idempotencyKey, traceparent };
    const span = {
      name: 'quarantine commit',
      kind: 'internal',
      parent: traceparent,
      attributesOf: ({ id }: AcceptedUpload) => ({ 'portcullis.upload': id }),
    } as const;
    return await inSpan(parts.traces, span, () =>
      acceptUpload(parts, facts, file, { expectedSha256: announcedSha256 ?? sha256, admission }),
    );
  } finally {
    admission.release();
  }
}

/** A raw body is described by its headers alone, so it is judged before a byte of it is read. */
interface RawForm {
  name: string;
  extension: string;
  declaredType: string;
}

function formOf(request: Request, { policy }: AttachmentParts): 'multipart' | RawForm {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new Failure('encoding-not-allowed');
  const contentType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (contentType === 'multipart/form-data') return 'multipart';
  if (!isTakenRaw(policy, contentType)) throw new Failure('type-not-allowed');
  // node:http reads header bytes as latin1; browsers and tools send UTF-8.
  const disposition = Buffer.from(request.headers['content-disposition'] ?? '', 'latin1').toString('utf8');
  const names = fileNamesOf(disposition);
  if (names === undefined || names.length === 0) throw new Failure('filename-missing');
  const isExtended = /;\s*filename\*=/i.test(disposition);
  return { ...judgeNames(isExtended ? names.slice(-1) : names, policy), declaredType: contentType };
}

/** The name that counts. Every other one that was sent must be allowed too, and then the request is ambiguous. */
function judgeNames(sent: readonly string[], policy: FilePolicy): { name: string; extension: string } {
  const names = sent.map(safeName);
  const name = names.at(-1) ?? '';
  if (name === '') throw new Failure('filename-missing');
  const extensions = names.map((each) => extensionOf(each));
  const extension = extensions.at(-1);
  if (extension === undefined || !extensions.every((each) => each !== undefined && policy.has(each))) {
    throw new Failure('type-not-allowed', { detail: `taken are ${[...policy.keys()].join(' ')}` });
  }
  if (names.length > 1) throw new Failure('malformed-multipart', { detail: 'the file has more than one name' });
  return { name, extension };
}

function idempotencyKeyOf(request: Request): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  // The draft's structured string: quotes are not part of the key.
  const key = String(header).replace(/^"(.*)"$/, '$1');
  if (!IDEMPOTENCY_KEY.test(key)) throw new Failure('request-malformed', { detail: 'Idempotency-Key' });
  return key;
}

/** The digest of the file, in both forms of the request. */
function announcedDigest(request: Request): Buffer | undefined {
  const header = request.headers['repr-digest'];
  const digest = header === undefined ? undefined : sha256Of(String(header));
  if (digest === null) throw new Failure('request-malformed', { detail: 'Repr-Digest' });
  return digest;
}

/** How many bytes to make room for; without a length as many as are allowed. */
function announcedBytes(request: Request, maxBytes: number, form: 'multipart' | RawForm): number {
  const header = request.headers['content-length'];
  if (header === undefined) return maxBytes;
  const length = Number(header);
  if (length > maxBytes + (form === 'multipart' ? ENVELOPE_BYTES : 0)) throw tooLarge(maxBytes);
  if (length === 0) throw new Failure(form === 'multipart' ? 'malformed-multipart' : 'file-empty');
  return Math.min(length, maxBytes);
}

type ReadFile = { file: ReceivedUpload; sha256: Buffer | undefined };

async function readRaw(parts: AttachmentParts, request: Request, form: RawForm): Promise<ReadFile> {
  const { storage, limits, pace = defaultPace, checkpoint } = parts;
  const reception = openReception(storage, { maxBytes: limits.maxBytes, checkpoint });
  const received = await receive(reception, openBody(request, pace));
  const { name: originalName, extension, declaredType } = form;
  return { file: { ...received, originalName, extension, declaredType }, sha256: undefined };
}

async function readForm(parts: AttachmentParts, request: Request): Promise<ReadFile> {
  const { storage, limits, policy, pace = defaultPace, checkpoint } = parts;
  const { maxBytes } = limits;
  const { file, sha256 } = await receiveMultipart(request, { maxBytes, pace }, ({ names, declaredType }) => {
    const { name: originalName, extension } = judgeNames(names, policy);
    const reception = openReception(storage, { maxBytes, checkpoint });
    const end = async () => ({ ...(await reception.end()), originalName, extension, declaredType });
    return { ...reception, end } satisfies Reception<ReceivedUpload>;
  });
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    await file.incoming.abort();
    throw new Failure('request-malformed', { detail: 'sha256' });
  }
  return { file, sha256: sha256 === undefined ? undefined : Buffer.from(sha256, 'hex') };
}
