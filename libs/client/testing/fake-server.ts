/** A server of sign-ins, whose clock is right, with the answers that a test wants. */
export interface FakeServer {
  fetch: typeof fetch;
  /** Method and path of every request, in order. */
  readonly requests: { line: string; headers: Headers; body: unknown; credentials: string | undefined }[];
  count(line: string): number;
  /** What comes instead of a refresh: answers, or errors where there is none. */
  refreshes: ((() => Response | Promise<Response>) | undefined)[];
  /** What a path is answered to whoever is signed in. */
  routes: Record<string, (request: { headers: Headers; body: unknown }) => Response | Promise<Response>>;
  /** Access tokens are refused from now on; the session lives. */
  refuseTokens(): void;
  /** Whose session it is that is refreshed. */
  userId: string;
  nowMs: () => number;
}

export const LIFE_SECONDS = 600;

export function openFakeServer(): FakeServer {
  let issued = 0;
  let oldest = 0;
  const server: FakeServer = {
    requests: [],
    refreshes: [],
    routes: {},
    userId: 'user-1',
    nowMs: () => Date.parse('2026-11-24T12:00:00Z'),
    count: (line) => server.requests.filter((request) => request.line === line).length,
    refuseTokens() {
      oldest = issued + 1;
    },
    async fetch(input, init = {}) {
      const request = new Request(input, { ...init, duplex: 'half' });
      const { pathname, search } = new URL(request.url.replace('/base/', '/'));
      const line = `${request.method} ${pathname}${search}`;
      const body = init.body instanceof FormData ? init.body : await request.text();
      server.requests.push({ line, headers: request.headers, body, credentials: init.credentials });
      init.signal?.throwIfAborted();
      const answer = await answerTo(pathname, { headers: request.headers, body });
      init.signal?.throwIfAborted();
      if (!answer.headers.has('date')) answer.headers.set('date', new Date(server.nowMs()).toUTCString());
      return answer;
    },
  };

  async function answerTo(path: string, request: { headers: Headers; body: unknown }): Promise<Response> {
    if (path === '/api/auth/login') return json({ ...tokens(), user: { id: server.userId } });
    if (path === '/api/auth/refresh') return (await server.refreshes.shift()?.()) ?? json(tokens());
    if (path === '/api/auth/logout') return new Response(null, { status: 204 });
    if (path === '/api/auth/csrf') return json({ csrfToken: 'csrf-of-server' });
    const number = Number(request.headers.get('authorization')?.split('-').at(-1) ?? '0');
    if (!(number >= oldest && number > 0)) return problem(401, 'token-invalid');
    return server.routes[path]?.(request) ?? json({ number });
  }

  function tokens() {
    issued += 1;
    const claims = btoa(JSON.stringify({ sub: server.userId, sid: 'session-1' }));
    return { accessToken: `h.${claims}.s-${issued}`, refreshToken: `refresh-${issued}`, expiresIn: LIFE_SECONDS };
  }
  return server;
}

export function json(body: unknown, headers: Record<string, string> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = JSON.stringify({ type: `urn:portcullis:problem:${code}`, title: 'A title', status, code });
  return new Response(body, { status, headers: { 'content-type': 'application/problem+json', ...headers } });
}
