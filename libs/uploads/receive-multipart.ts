import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import busboy from 'busboy';
import { Failure } from '#runtime/failure.ts';
import { boundaryOf, isAllContent, isDelimiterOpen, type Boundary } from '#uploads/multipart-boundary.ts';
import { fileNamesIn } from '#uploads/part-head.ts';
import { openBody, type Pace } from '#uploads/read-body.ts';
import { tooLarge, type Reception } from '#uploads/receive.ts';

/** Boundaries, headers and the one field, besides the file itself. */
export const ENVELOPE_BYTES = 64 * 1024;
const HEAD_BYTES = 32 * 1024; // two part headers as long as busboy takes them

export interface FilePart {
  /** Every name its header gives, the one that counts last. */
  names: readonly string[];
  declaredType: string | undefined;
}

export interface MultipartBody<T> {
  file: T;
  /** The hex of the `sha256` field, which may stand before or after the file. */
  sha256: string | undefined;
}

/**
 * Reads a multipart body of exactly one part `file`, and optionally a field `sha256`. The file goes to the reception that
 * `store` opens for it, which is aborted if the rest of the body is refused.
 * @throws Failure `malformed-multipart`, `file-missing`, `filename-missing`, `too-many-files`, `too-many-fields`,
 * `too-large`, and what `store` and its reception throw.
 */
export async function receiveMultipart<T>(
  request: IncomingMessage,
  { maxBytes, pace }: { maxBytes: number; pace: Pace },
  store: (part: FilePart) => Reception<T>,
): Promise<MultipartBody<T>> {
  const boundary = boundaryOf(request.headers['content-type'] ?? '');
  if (boundary === undefined) throw new Failure('malformed-multipart', { detail: 'a boundary has 1 to 70 characters' });
  const parser = openParser(request, boundary, maxBytes);
  const body = openBody(request, pace);
  const { delimiter } = boundary;
  const head = new BodyHead();
  let refusal: Error | undefined;
  let stream: Readable | undefined;
  let reception: Reception<T> | undefined;
  let sha256: string | undefined;
  let isInFile = false;
  const refused = Promise.withResolvers<void>();
  const refuse = (failure: Error): void => {
    refusal ??= failure;
    refused.resolve();
  };
  const take = (chunk: Buffer): void => {
    if (refusal !== undefined) return;
    try {
      reception?.take(chunk);
    } catch (error) {
      refuse(error as Error);
    }
  };

  async function parse(chunk: Buffer): Promise<void> {
    head.keep(chunk);
    // Full for the moment, and only late if it has not parsed all of it by now.
    const isFull = !parser.write(chunk);
    if (isFull && parser.writableLength > 0) await Promise.race([once(parser, 'drain'), refused.promise]);
    if (boundary?.contentType === undefined) return;
    // Then the file's part has ended if its end was in there. What comes until its next delimiter needs no parser.
    await nextTurn();
    const isOpen = parser.writableLength > 0 || isDelimiterOpen(chunk, delimiter);
    isInFile = reception !== undefined && stream?.readableEnded === false && !isOpen;
  }

  parser.on('file', (field, bytes, info) => {
    stream = bytes;
    // The parser reports what is wrong too; without a listener it would be an error of the process.
    bytes.on('error', () => undefined);
    const names = field === 'file' ? fileNamesIn(head.text(), info.filename) : [];
    if (field !== 'file') refuse(new Failure('file-missing', { detail: 'the part must be named file' }));
    else if (names.length === 0) refuse(new Failure('filename-missing'));
    if (refusal !== undefined) return;
    try {
      reception = store({ names, declaredType: info.mimeType.toLowerCase() });
    } catch (error) {
      refuse(error as Error);
      return;
    }
    bytes.on('data', take);
  });
  parser.on('field', (field, value) => {
    if (field === 'file') refuse(new Failure('filename-missing'));
    else if (field === 'sha256' && sha256 === undefined) sha256 = value;
    else refuse(new Failure('too-many-fields', { detail: 'besides the file only sha256 is taken' }));
  });
  parser.on('filesLimit', () => refuse(new Failure('too-many-files', { detail: 'send one file' })));
  parser.on('fieldsLimit', () => refuse(new Failure('too-many-fields')));
  parser.on('partsLimit', () => refuse(new Failure('too-many-fields')));
  parser.on('error', (error) => refuse(new Failure('malformed-multipart', { cause: error })));
  parser.on('close', () => refused.resolve());

  try {
    let bytes = 0;
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
      bytes += chunk.length;
      if (bytes > maxBytes + ENVELOPE_BYTES) throw tooLarge(maxBytes);
      if (isInFile && isAllContent(chunk, delimiter)) take(chunk);
      else await parse(chunk);
      if (refusal !== undefined) throw refusal;
      const notReady = reception?.ready();
      if (notReady !== undefined) await notReady;
    }
    parser.end();
    await refused.promise;
    if (refusal !== undefined) throw refusal;
    if (reception === undefined) throw new Failure('file-missing');
    return { file: await reception.end(), sha256 };
  } catch (error) {
    // Settled before the parser is ended, which reports an error of its own.
    const cause = refusal ?? error;
    stream?.destroy(cause instanceof Error ? cause : undefined);
    parser.destroy();
    await reception?.abort();
    throw cause;
  } finally {
    body.close();
  }
}

function openParser(request: IncomingMessage, { contentType }: Boundary, maxBytes: number): busboy.Busboy {
  try {
    return busboy({
      headers: contentType === undefined ? request.headers : { 'content-type': contentType },
      defParamCharset: 'utf8',
      preservePath: false,
      limits: {
        files: 1,
        fields: 1,
        parts: 3,
        fileSize: maxBytes + 1,
        fieldNameSize: 64,
        fieldSize: 256,
        headerPairs: 20,
      },
    });
  } catch (error) {
    throw new Failure('malformed-multipart', { cause: error });
  }
}

/** The first bytes of the body, kept until the file's part has begun. */
class BodyHead {
  #kept: Buffer[] = [];
  #bytes = 0;

  keep(chunk: Buffer): void {
    if (this.#bytes >= HEAD_BYTES) return;
    // A copy: the chunk is freed when its file is written.
    this.#kept.push(Buffer.from(chunk.subarray(0, HEAD_BYTES - this.#bytes)));
    this.#bytes += chunk.length;
  }

  text(): string {
    const text = Buffer.concat(this.#kept).toString('latin1');
    this.#kept = [];
    this.#bytes = HEAD_BYTES;
    return text;
  }
}
