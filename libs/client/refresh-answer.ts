import { problemOf, type ClientProblem } from './problem.ts';

export interface Tokens {
  accessToken: string;
  /** Only in bearer mode. */
  refreshToken?: string;
  /** In seconds. */
  expiresIn: number;
}

/** What the answer to a refresh means. Only `ended` signs anybody out. */
export type RefreshOutcome =
  | { kind: 'refreshed'; tokens: Tokens }
  | { kind: 'ended'; reason: string }
  | { kind: 'delayed'; problem: ClientProblem };

const ENDING = new Set(['refresh-missing', 'refresh-invalid', 'refresh-reused', 'session-ended', 'session-expired']);

/** Whether Portcullis itself says that there is no session (any more). */
export function isEnding({ status, code }: ClientProblem): boolean {
  return status === (code === 'refresh-missing' ? 400 : 401) && ENDING.has(code);
}

/** Judges an answer by its status and problem code: a proxy's 401 or 502 says nothing about a session. */
export async function judgeRefresh(response: Response): Promise<RefreshOutcome> {
  if (response.ok) {
    const tokens = (await response.json()) as Tokens;
    if (typeof tokens?.accessToken !== 'string') throw new TypeError('no token');
    return { kind: 'refreshed', tokens };
  }
  const problem = await problemOf(response);
  return isEnding(problem) ? { kind: 'ended', reason: problem.code } : { kind: 'delayed', problem };
}
