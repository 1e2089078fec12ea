/**
 * Whether trying the same thing again can help.
 * `never`: the input is at fault. `counted`: perhaps, and each try is counted. `free`: something we
 * stand on is away, so a retry spends no attempt.
 */
export type Retry = 'never' | 'counted' | 'free';

/** Every expected failure there is. A new line here is a compile error in apps/ingress/problems.ts until it has a status. */
export const failures = {
  'request-malformed': 'never',
  'body-empty': 'never',
  'body-invalid': 'never',
  'content-type-unsupported': 'never',
  'content-encoding-unsupported': 'never',
  'method-unsupported': 'never',
  'route-unknown': 'never',
  'request-slow': 'never',
  'too-large': 'never',
  'signature-invalid': 'never',
  unauthenticated: 'never',
  'token-invalid': 'never',
  'authorization-malformed': 'never',
  'login-failed': 'never',
  'refresh-missing': 'never',
  'refresh-invalid': 'never',
  'refresh-reused': 'never',
  'refresh-unsettled': 'free',
  'session-ended': 'never',
  'session-expired': 'never',
  'step-up-needed': 'never',
  'csrf-refused': 'never',
  'password-wrong': 'never',
  'password-refused': 'never',
  'reset-invalid': 'never',
  'email-taken': 'never',
  'admin-last': 'never',
  'sign-in-busy': 'free',
  forbidden: 'never',
  'not-found': 'never',
  'limit-exceeded': 'never',
  'usage-abnormal': 'never',
  'capacity-reduced': 'free',
  'receipt-dead': 'never',
  'receipt-unreplayable': 'never',
  'event-unreplayable': 'never',
  'filter-wide': 'never',
  'subject-entangled': 'never',
  'event-dead': 'never',
  'forward-refused': 'counted',
  'forward-gone': 'never',
  'forward-unavailable': 'free',
  'job-malformed': 'never',
  'malformed-multipart': 'never',
  'file-missing': 'never',
  'filename-missing': 'never',
  'file-empty': 'never',
  'too-many-files': 'never',
  'too-many-fields': 'never',
  'too-slow': 'never',
  'type-not-allowed': 'never',
  'encoding-not-allowed': 'never',
  'digest-mismatch': 'never',
  'idempotency-in-progress': 'counted',
  'idempotency-key-reuse': 'never',
  'range-unsatisfiable': 'never',
  'rate-limited': 'never',
  'quota-exceeded': 'never',
  'quarantine-full': 'free',
  'storage-full': 'free',
  'storage-unavailable': 'free',
  'ticket-unchecked': 'free',
  'active-content': 'never',
  'archive-limits': 'never',
  'archive-malformed': 'never',
  'authorisation-revoked': 'never',
  'encrypted-archive': 'never',
  expired: 'never',
  infected: 'never',
  macro: 'never',
  'pixel-limit': 'never',
  'scan-inconclusive': 'counted',
  'scanner-unavailable': 'free',
  tampered: 'never',
  'type-mismatch': 'never',
  'database-unavailable': 'free',
  'queue-unavailable': 'free',
  'journal-full': 'free',
  'not-ready': 'counted',
  unready: 'free',
} as const satisfies Record<string, Retry>;

export type FailureCode = keyof typeof failures;

export interface FailureDetails {
  /** One sentence for the caller. Never holds a secret. */
  detail?: string;
  cause?: unknown;
  retryAfterSeconds?: number;
  /** Extra response headers that the failure's meaning asks for, such as `Allow`. */
  headers?: Record<string, string>;
  /** Extra members of the problem's body (RFC 9457 §3.2). */
  members?: Record<string, string | number | readonly string[]>;
}

/** An expected failure. What is thrown and is not a Failure is a bug. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string>;
  readonly members: Record<string, string | number | readonly string[]>;

  constructor(
    code: FailureCode,
    { detail, cause, retryAfterSeconds, headers = {}, members = {} }: FailureDetails = {},
  ) {
    super(detail === undefined ? code : `${code}: ${detail}`, { cause });
    this.code = code;
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
    this.headers = headers;
    this.members = members;
  }

  get retry(): Retry {
    return failures[this.code];
  }
}

export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code);
}
