import type { FailureCode } from '#runtime/failure.ts';

/** Types that draft-ietf-httpapi-ratelimit-headers-11 registers. */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';
const ABNORMAL_USAGE = 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected';
const REDUCED_CAPACITY = 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity';

/** Status and title of every failure. */
export const problems: Record<
  FailureCode,
  { status: number; title: string; type?: string; headers?: Record<string, string> }
> = {
  'request-malformed': { status: 400, title: 'The request is malformed' },
  'body-empty': { status: 400, title: 'The body is empty' },
  'body-invalid': { status: 422, title: 'The body does not have the expected shape' },
  'content-type-unsupported': { status: 415, title: 'The content type is not supported' },
  'content-encoding-unsupported': { status: 415, title: 'Encoded bodies are not supported' },
  'method-unsupported': { status: 405, title: 'The method is not supported' },
  'route-unknown': { status: 404, title: 'There is nothing here' },
  'request-slow': { status: 408, title: 'The request took too long' },
  'too-large': { status: 413, title: 'The body is too large' },
  'signature-invalid': { status: 403, title: 'The signature does not match' },
  // RFC 6750 §3: no error code where no credentials were presented.
  unauthenticated: {
    status: 401,
    title: 'Sign in first',
    headers: { 'www-authenticate': 'Bearer realm="portcullis"' },
  },
  'token-invalid': {
    status: 401,
    title: 'The token is not valid',
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  },
  'authorization-malformed': {
    status: 400,
    title: 'The authorization is malformed',
    headers: { 'www-authenticate': 'Bearer error="invalid_request"' },
  },
  'login-failed': { status: 401, title: 'E-mail address or password is wrong' },
  'refresh-missing': { status: 400, title: 'There is no refresh token' },
  'refresh-invalid': { status: 401, title: 'The refresh token is not valid' },
  'refresh-reused': { status: 401, title: 'The refresh token was used before; the session has been ended' },
  'refresh-unsettled': { status: 503, title: 'The refresh could not be settled' },
  'session-ended': { status: 401, title: 'The session has been ended' },
  'session-expired': { status: 401, title: 'The session has expired' },
  'step-up-needed': { status: 403, title: 'This needs a fresh sign-in' },
  'csrf-refused': { status: 403, title: 'The request does not come from an allowed page' },
  'password-wrong': { status: 403, title: 'The password is wrong' },
  'password-refused': { status: 422, title: 'The password is not acceptable' },
  'reset-invalid': { status: 403, title: 'The link is not valid' },
  'email-taken': { status: 409, title: 'This e-mail address is in use' },
  'admin-last': { status: 409, title: 'There must be another admin first' },
  'sign-in-busy': { status: 503, title: 'Too many people are signing in' },
  forbidden: { status: 403, title: 'This is not allowed' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'limit-exceeded': {
    status: 429,
    title: 'Too many requests',
    type: QUOTA_EXCEEDED,
  },
  'usage-abnormal': { status: 429, title: 'Too many requests, again and again', type: ABNORMAL_USAGE },
  'capacity-reduced': { status: 503, title: 'There is too much to do right now', type: REDUCED_CAPACITY },
  'receipt-unreplayable': { status: 422, title: 'The receipt can not be replayed' },
  'event-unreplayable': { status: 422, title: 'The event can not be replayed' },
  'subject-entangled': { status: 422, title: 'The subject is linked to too many others' },
  'filter-wide': { status: 422, title: 'The filter matches too much' },
  'receipt-dead': { status: 422, title: 'The receipt can not be processed' },
  'event-dead': { status: 422, title: 'The event can not be handled' },
  'forward-refused': { status: 502, title: 'The application behind refused the event' },
  'forward-gone': { status: 502, title: 'The application behind wants no more events' },
  'forward-unavailable': { status: 503, title: 'The application behind does not answer' },
  'malformed-multipart': { status: 400, title: 'The multipart body is malformed' },
  'file-missing': { status: 400, title: 'There is no file' },
  'filename-missing': { status: 400, title: 'The file has no name' },
  'file-empty': { status: 400, title: 'The file is empty' },
  'too-many-files': { status: 413, title: 'Too many files' },
  'too-many-fields': { status: 400, title: 'Too many fields' },
  'too-slow': { status: 408, title: 'The body came too slowly' },
  'type-not-allowed': { status: 415, title: 'Files of this type are not taken' },
  'encoding-not-allowed': { status: 415, title: 'Encoded bodies are not taken' },
  'digest-mismatch': { status: 422, title: 'The bytes do not have the digest that was announced' },
  'idempotency-in-progress': { status: 409, title: 'A request with this key is still under way' },
  'idempotency-key-reuse': { status: 422, title: 'This key was used for something else' },
  'range-unsatisfiable': { status: 416, title: 'The range lies outside of the file' },
  'rate-limited': { status: 429, title: 'Too many uploads', type: QUOTA_EXCEEDED },
  'quota-exceeded': { status: 429, title: 'The space for uploads is used up', type: QUOTA_EXCEEDED },
  'quarantine-full': { status: 503, title: 'Too much is waiting to be scanned' },
  'storage-full': { status: 507, title: 'The storage is full' },
  'storage-unavailable': { status: 503, title: 'The storage does not answer' },
  'ticket-unchecked': { status: 503, title: 'The ticket could not be checked' },
  'active-content': { status: 410, title: 'The file held active content' },
  'archive-limits': { status: 410, title: 'The archive was beyond the limits' },
  'archive-malformed': { status: 410, title: 'The archive was malformed' },
  'authorisation-revoked': { status: 410, title: 'The ticket was no longer open to its owner' },
  'encrypted-archive': { status: 410, title: 'The file was encrypted and could not be scanned' },
  expired: { status: 410, title: 'The file expired' },
  infected: { status: 410, title: 'The file was infected' },
  macro: { status: 410, title: 'The file held macros' },
  'pixel-limit': { status: 410, title: 'The image was beyond the limits' },
  'scan-inconclusive': { status: 410, title: 'The file could not be scanned' },
  'scanner-unavailable': { status: 410, title: 'The file could not be scanned' },
  tampered: { status: 410, title: 'The file was changed after it was stored' },
  'type-mismatch': { status: 410, title: 'The file was not of the type that its name says' },
  'job-malformed': { status: 500, title: 'The job can not be read' },
  'database-unavailable': { status: 503, title: 'The database does not answer' },
  'queue-unavailable': { status: 503, title: 'The queue does not answer' },
  'journal-full': { status: 503, title: 'Too much is waiting to be stored' },
  'not-ready': { status: 409, title: 'The file is not scanned yet' },
  unready: { status: 503, title: 'Not ready' },
};

export function statusOf(code: FailureCode): number {
  return problems[code].status;
}

export function titleOf(code: FailureCode): string {
  return problems[code].title;
}
