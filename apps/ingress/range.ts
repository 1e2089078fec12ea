import type { IncomingMessage } from 'node:http';
import { Failure } from '#runtime/failure.ts';
import type { ByteRange } from '#uploads/storage.ts';

/**
 * The one range that a request asks for (RFC 9110 §14.2). Undefined means the whole: no range, another unit, several
 * ranges, a malformed one, or an `If-Range` that names another version.
 * @throws Failure `range-unsatisfiable` if the range begins behind the end.
 */
export function rangeOf(request: IncomingMessage, sizeBytes: number, etag: string): ByteRange | undefined {
  const ifRange = request.headers['if-range'];
  if (ifRange !== undefined && ifRange !== etag) return undefined;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(request.headers.range ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') return suffixOf(Number(last), sizeBytes);
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) throw unsatisfiable(sizeBytes);
  return { start, end };
}

function suffixOf(length: number, sizeBytes: number): ByteRange {
  if (length === 0) throw unsatisfiable(sizeBytes);
  return { start: Math.max(0, sizeBytes - length), end: sizeBytes - 1 };
}

function unsatisfiable(sizeBytes: number): Failure {
  return new Failure('range-unsatisfiable', { headers: { 'content-range': `bytes */${sizeBytes}` } });
}
