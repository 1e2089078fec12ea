import { Failure } from '#runtime/failure.ts';

/** What may be known of an error of the SDK: it holds requests and answers, and those hold signatures. */
export interface S3Error {
  /** S3's error code, or what the network said. */
  name: string;
  /** Undefined where no answer came. */
  status: number | undefined;
}

export function s3ErrorOf(error: unknown): S3Error {
  if (!(error instanceof Error)) return { name: 'unknown', status: undefined };
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number } | undefined) : undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { name: code ?? error.name, status: metadata?.httpStatusCode };
}

/** Only where S3 said so itself: a proxy's 404, or a bucket that is not there, is no missing file. */
export function isMissingKey(error: unknown): boolean {
  return s3ErrorOf(error).name === 'NoSuchKey';
}

/** HEAD has no body, so it does not tell which of key and bucket is missing. */
export function isNotFound(error: unknown): boolean {
  return s3ErrorOf(error).status === 404;
}

/** The first are of MinIO and Ceph. */
const FULL = new Set(['XMinioStorageFull', 'QuotaExceeded', 'InsufficientStorage']);

/**
 * Refusals that can end otherwise the next time: bytes that were damaged on their way, and a server that lost patience.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const PASSING = new Set(['BadDigest', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch', 'RequestTimeout']);

export function canRetry(error: unknown): boolean {
  const { name, status } = s3ErrorOf(error);
  if (FULL.has(name)) return false;
  return status === undefined || status === 429 || status >= 500 || PASSING.has(name);
}

/** Says what was tried and how it ended, and nothing else of the error: no header, no URL, no credential. */
export function s3Failure(operation: string, error: unknown): Failure {
  const { name, status } = s3ErrorOf(error);
  const cause = new Error(`S3 ${operation}: ${name}${status === undefined ? '' : ` (${status})`}`);
  return new Failure(FULL.has(name) || status === 507 ? 'storage-full' : 'storage-unavailable', { cause });
}
