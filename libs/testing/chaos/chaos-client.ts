import { createClient, type Client } from '../../client/create-client.ts';
import { openPlatform, type Platform } from '../../client/platform.ts';
import { problemOf } from '../../client/problem.ts';
import { openCookieJar } from '#testing/chaos/cookie-jar.ts';
import type { Random } from '#testing/chaos/random.ts';

/** The tokens of the newest sign-in or refresh whose answer arrived. */
export interface HeldTokens {
  accessToken: string;
  refreshToken: string;
}

export interface ChaosClient {
  client: Client;
  held: () => HeldTokens | undefined;
  /** Ends the session of a refresh token that the client no longer has. @throws ClientProblem */
  signOutBy: (refreshToken: string) => Promise<void>;
}

export interface ChaosClientOptions {
  origins: readonly string[];
  random: Random;
  /** `cookie`: as a browser, on a page of the system's own. */
  mode?: 'cookie' | 'bearer';
  /** How likely the answer to a refresh is lost on its way. */
  lost?: number;
}

/** What the load balancer is called; each request goes to one of the ingresses behind it. */
const BALANCER = 'http://balancer.example';
/** Where the page is that a browser shows: PUBLIC_URL. */
export const PAGE = 'http://localhost:4000';
const REFRESH_COOKIE = '__Host-refresh';
const ANSWER_LIMIT_MS = 10_000;
const REFRESH = '/api/auth/refresh';
const GIVES_TOKENS = /^\/api\/auth\/(?:login|refresh)\b/;
/** In seconds: an access token lives longer than a run, and a refresh is what is to be tried. */
const SHORT_LIFE = [3, 8] as const;

/** The client that programs use, behind a load balancer that loses answers. */
export function openChaosClient(options: ChaosClientOptions): ChaosClient {
  const { origins, random, mode = 'bearer', lost = 0 } = options;
  const jar = mode === 'cookie' ? openCookieJar() : undefined;
  const address = `198.18.${random.below(256)}.${random.below(256)}`;
  let held: HeldTokens | undefined;

  async function send(url: string, init: RequestInit): Promise<Response> {
    const path = url.slice(BALANCER.length);
    const headers = new Headers(init.headers);
    headers.set('x-forwarded-for', address);
    if (jar !== undefined && init.credentials !== 'omit') {
      const cookies = jar.header();
      if (cookies !== undefined) headers.set('cookie', cookies);
      headers.set('sec-fetch-site', 'same-origin');
      headers.set('origin', PAGE);
    }
    // How long it waits for a refresh is the client's own affair.
    const limits = path.startsWith(REFRESH) ? [] : [AbortSignal.timeout(ANSWER_LIMIT_MS)];
    const signal = AbortSignal.any(init.signal ? [init.signal, ...limits] : limits);
    const response = await fetch(random.pick(origins) + path, { ...init, headers, signal }).catch(unreachable);
    const isRefresh = path.startsWith(REFRESH);
    if (isRefresh && response.ok && random.happens(lost)) return unreachable('lost on its way');
    jar?.keep(response.headers);
    if (!response.ok || !GIVES_TOKENS.test(path)) return response;
    const body = (await response.json().catch(unreachable)) as HeldTokens & { expiresIn: number };
    held = { accessToken: body.accessToken, refreshToken: jar?.get(REFRESH_COOKIE) ?? body.refreshToken };
    return Response.json({ ...body, expiresIn: random.between(...SHORT_LIFE) }, response);
  }

  const platform: Platform = {
    ...openPlatform(),
    random: () => random.between(0, 1),
    cookies: () => jar?.header(),
    // Each is a browser of its own.
    locks: undefined,
    openChannel: undefined,
    fetch: (input, init = {}) => send(input instanceof Request ? input.url : input.toString(), init),
    sendForm: ({ url, headers, form, signal }) =>
      send(url, { method: 'POST', headers, body: form, ...(signal ? { signal } : {}) }),
  };
  return {
    client: createClient({ baseUrl: BALANCER, mode, platform }),
    held: () => held,
    async signOutBy(refreshToken) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ refreshToken });
      const response = await send(`${BALANCER}/api/auth/logout`, { method: 'POST', headers, body });
      if (!response.ok) throw await problemOf(response);
    },
  };
}

/** As `fetch` says that there was no answer, whatever the reason. */
function unreachable(cause: unknown): never {
  throw new TypeError('no answer', { cause });
}
