import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { Failure } from '#runtime/failure.ts';
import { fileNamesIn } from '#uploads/part-head.ts';
import { readBody, type Pace } from '#uploads/read-body.ts';
import { tooLarge } from '#uploads/receive.ts';

/** Boundaries, headers and the one field, besides the file itself. */
export const ENVELOPE_BYTES = 64 * 1024;
const MAX_BOUNDARY_CHARS = 70; // RFC 2046 §5.1.1
const HEAD_BYTES = 32 * 1024; // two part headers as long as busboy takes them

export interface FilePart {
  /** Every name its header gives, the one that counts last. */
  names: readonly string[];
  declaredType: string | undefined;
  bytes: AsyncIterable<Buffer>;
}

export interface MultipartBody<T> {
  file: T;
  /** The hex of the `sha256` field, which may stand before or after the file. */
  sha256: string | undefined;
}

/**
 * Reads a multipart body of exactly one part `file`, and optionally a field `sha256`. `store` gets the file while it
 * comes in and must read or destroy it; `discard` gets what it returned if the rest of the body is refused.
 * @throws Failure `malformed-multipart`, `file-missing`, `filename-missing`, `too-many-files`, `too-many-fields`,
 * `too-large`, and what `store` throws.
 */
export async function receiveMultipart<T>(
  request: IncomingMessage,
  { maxBytes, pace }: { maxBytes: number; pace: Pace },
  store: (part: FilePart) => Promise<T>,
  discard: (stored: T) => Promise<void>,
): Promise<MultipartBody<T>> {
  const parser = openParser(request, maxBytes);
  const head = new BodyHead();
  let refusal: Error | undefined;
  let stream: Readable | undefined;
  let file: Promise<T> | undefined;
  let sha256: string | undefined;
  const refused = Promise.withResolvers<void>();
  const refuse = (failure: Error): void => {
    refusal ??= failure;
    refused.resolve();
  };

  parser.on('file', (field, bytes, info) => {
    stream = bytes;
    // Whoever reads the stream reports its error; without a listener it would be one of the process.
    bytes.on('error', () => undefined);
    const names = field === 'file' ? fileNamesIn(head.text(), info.filename) : [];
    if (field !== 'file') refuse(new Failure('file-missing', { detail: 'the part must be named file' }));
    else if (names.length === 0) refuse(new Failure('filename-missing'));
    if (refusal !== undefined) return;
    // Left early, the stream must stay: the parser would take its end for a fault of the body.
    const chunks = bytes.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    file = store({ names, declaredType: info.mimeType.toLowerCase(), bytes: chunks });
    file.catch(refuse);
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
    for await (const chunk of readBody(request, pace)) {
      bytes += chunk.length;
      if (bytes > maxBytes + ENVELOPE_BYTES) throw tooLarge(maxBytes);
      head.keep(chunk);
      if (!parser.write(chunk)) await Promise.race([once(parser, 'drain'), refused.promise]);
      if (refusal !== undefined) throw refusal;
    }
    parser.end();
    await refused.promise;
    if (refusal !== undefined) throw refusal;
    if (file === undefined) throw new Failure('file-missing');
    return { file: await file, sha256 };
  } catch (error) {
    // Settled before the parser is ended, which reports an error of its own.
    const cause = refusal ?? error;
    stream?.destroy(cause instanceof Error ? cause : undefined);
    parser.destroy();
    await file?.then(discard, () => undefined);
    throw cause;
  }
}

function openParser(request: IncomingMessage, maxBytes: number): busboy.Busboy {
  const boundary = /;\s*boundary=(?:"([^"]*)"|([^\s;]+))/i.exec(request.headers['content-type'] ?? '');
  const length = (boundary?.[1] ?? boundary?.[2] ?? '').length;
  if (length === 0 || length > MAX_BOUNDARY_CHARS) {
    throw new Failure('malformed-multipart', { detail: 'a boundary has 1 to 70 characters' });
  }
  try {
    return busboy({
      headers: request.headers,
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
    this.#kept.push(chunk.subarray(0, HEAD_BYTES - this.#bytes));
    this.#bytes += chunk.length;
  }

  text(): string {
    const text = Buffer.concat(this.#kept).toString('latin1');
    this.#kept = [];
    this.#bytes = HEAD_BYTES;
    return text;
  }
}
