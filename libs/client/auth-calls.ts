import type { Platform } from './platform.ts';
import { problemOf, type ClientProblem } from './problem.ts';
import { isEnding, judgeRefresh, type RefreshOutcome, type Tokens } from './refresh-answer.ts';
import type { ServerClock } from './server-clock.ts';

export interface User {
  id: string;
  email: string;
  name: string;
  role: 'user' | 'agent' | 'admin';
}

export interface Credentials {
  email: string;
  password: string;
}

export interface AuthCallParts {
  platform: Platform;
  clock: ServerClock;
  mode: 'cookie' | 'bearer';
  urlOf: (path: string) => string;
  /** What a client without cookies calls its device. */
  deviceId: string | undefined;
}

/** The calls whose credential is not an access token. */
export interface AuthCalls {
  /** @throws ClientProblem; rejects with the platform's error where there is no answer. */
  login(credentials: Credentials): Promise<Tokens & { user: User }>;
  refresh(refreshToken: string | undefined, signal: AbortSignal): Promise<RefreshOutcome>;
  /** @throws ClientProblem unless the session is ended for certain. */
  logout(refreshToken: string | undefined): Promise<void>;
}

const CSRF_COOKIE = /(?:^|; *)__Host-csrf=([^;]+)/;

export function openAuthCalls({ platform, clock, mode, urlOf, deviceId }: AuthCallParts): AuthCalls {
  const isCookie = mode === 'cookie';
  /** Where the cookie can't be read, since the server is another origin. */
  let csrfToken: string | undefined;

  async function send(path: string, init: RequestInit): Promise<Response> {
    const credentials = isCookie ? 'include' : 'omit';
    const response = await platform.fetch(urlOf(path), { cache: 'no-store', credentials, ...init });
    clock.learn(response.headers);
    return response;
  }

  function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    const csrf = isCookie ? (CSRF_COOKIE.exec(platform.cookies() ?? '')?.[1] ?? csrfToken) : undefined;
    const headers = { 'content-type': 'application/json', ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }) };
    return send(path, { method: 'POST', headers, body: JSON.stringify(body), signal: signal ?? null });
  }

  async function renewCsrfToken(signal?: AbortSignal): Promise<void> {
    const response = await send('/api/auth/csrf', { signal: signal ?? null });
    if (!response.ok) throw await problemOf(response);
    ({ csrfToken } = (await response.json()) as { csrfToken: string });
  }

  return {
    async login({ email, password }) {
      const device = isCookie ? {} : { deviceId };
      const response = await post(`/api/auth/login?mode=${mode}`, { email, password, ...device });
      if (!response.ok) throw await problemOf(response);
      return (await response.json()) as Tokens & { user: User };
    },

    async refresh(refreshToken, signal) {
      const ask = async (): Promise<RefreshOutcome> =>
        judgeRefresh(await post('/api/auth/refresh', isCookie ? {} : { refreshToken, deviceId }, signal));
      const first = await ask();
      if (first.kind !== 'delayed' || first.problem.code !== 'csrf-refused') return first;
      await renewCsrfToken(signal);
      return ask();
    },

    async logout(refreshToken) {
      const ask = async (): Promise<ClientProblem | undefined> => {
        const response = await post('/api/auth/logout', isCookie ? {} : { refreshToken });
        return response.ok ? undefined : problemOf(response);
      };
      let problem = await ask();
      if (isCookie && problem?.code === 'csrf-refused') {
        await renewCsrfToken();
        problem = await ask();
      }
      // One that is gone already has been ended.
      if (problem !== undefined && !isEnding(problem)) throw problem;
    },
  };
}
