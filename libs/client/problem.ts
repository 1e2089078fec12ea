/** Why a call failed: an RFC 9457 problem of the server, or one of the client's own codes. */
export class ClientProblem extends Error {
  override readonly name = 'ClientProblem';
  /**
   * The server's code, or `signed-out`, `unreachable` (no answer), `refresh-delayed` (still signed in, try again later),
   * `person-changed` (somebody else signed in from another tab), `unexpected` (an answer that is no problem+json).
   */
  declare readonly code: string;
  /** Of the answer; 0 where there was none. */
  declare readonly status: number;
  declare readonly detail: string | undefined;
  declare readonly requestId: string | undefined;
  declare readonly retryAfterSeconds: number | undefined;

  constructor(code: string, title: string, more: Partial<Omit<ClientProblem, 'code' | 'name' | 'message'>> = {}) {
    super(title, { cause: more.cause });
    this.code = code;
    this.status = more.status ?? 0;
    this.detail = more.detail;
    this.requestId = more.requestId;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Whether the same request may well succeed later. */
export function isPassing({ status, code }: ClientProblem): boolean {
  return PASSING.has(status) || code === 'unreachable' || code === 'refresh-delayed';
}

/** How long to wait before the next try: what the server asked for, or else `ownMs`. */
export function pauseMsOf({ retryAfterSeconds = 0 }: ClientProblem, ownMs: number): number {
  return retryAfterSeconds * 1_000 || ownMs;
}

const PROBLEM_TYPE = /^application\/problem\+json\b/;

/** Reads the body of an answer that is no success. */
export async function problemOf(response: Response): Promise<ClientProblem> {
  const { status, headers } = response;
  const isProblem = PROBLEM_TYPE.test(headers.get('content-type') ?? '');
  const body: unknown = isProblem ? await response.json().catch(() => undefined) : undefined;
  const { code, title, detail, requestId } = (body ?? {}) as Record<string, unknown>;
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return new ClientProblem(text(code) ?? 'unexpected', text(title) ?? `The server answered ${status}`, {
    status,
    detail: text(detail),
    requestId: text(requestId),
    retryAfterSeconds: retryAfterOf(headers),
  });
}

export function unreachable(cause: unknown): ClientProblem {
  return new ClientProblem('unreachable', 'The server can not be reached', { cause });
}

/** `fetch` throws a TypeError where there is no answer, and one that breaks off is no JSON. What is neither is thrown on. */
export function problemFrom(error: unknown): ClientProblem {
  if (error instanceof ClientProblem) return error;
  if (error instanceof TypeError || error instanceof SyntaxError) return unreachable(error);
  throw error;
}

const MAX_RETRY_AFTER_SECONDS = 300;

/** RFC 9110 §10.2.3: seconds, or a date, which is compared with the server's own. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const seconds = /^\d+$/.test(text)
    ? Number(text)
    : (Date.parse(text) - Date.parse(headers.get('date') ?? '')) / 1_000;
  return seconds >= 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) : undefined;
}
