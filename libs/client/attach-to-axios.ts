import { canReplay, isRefused, type AuthorizedFetchParts } from './authorized-fetch.ts';
import type { Grant } from './grant.ts';
import { untilAborted } from './until-aborted.ts';

/** What is used of an axios instance (axios 1.x). */
export interface AxiosLike {
  // oxlint-disable-next-line typescript/no-explicit-any -- axios's own types differ between its versions
  interceptors: { request: Interceptors<any>; response: Interceptors<any> };
  getUri(config: object): string;
  request(config: object): Promise<unknown>;
}

interface Interceptors<V> {
  use(onFulfilled: (value: V) => V | Promise<V>, onRejected?: (error: unknown) => unknown): number;
  eject(id: number): void;
}

interface Config {
  headers: { set(name: string, value: string): unknown };
  data?: unknown;
  signal?: AbortSignal;
  isRetry?: boolean;
}

interface AxiosFailure {
  config?: Config;
  response?: { status: number; headers: object; data: unknown };
}

/** The same as the client's own `fetch`: the token, one refresh for everybody, one retry. */
export function attachToAxios(axios: AxiosLike, parts: Omit<AuthorizedFetchParts, 'platform'>): () => void {
  const { session, clock, targetOf } = parts;
  /** By config, which axios hands back with the answer. */
  const sent = new WeakMap<object, Grant>();

  async function sign(config: Config): Promise<Config> {
    if (!targetOf(absolute(axios.getUri(config))).isTrusted) return config;
    const grant = await unlessAborted(session.current(), config);
    if (grant) {
      config.headers.set('authorization', `Bearer ${grant.accessToken}`);
      sent.set(config, grant);
    }
    return config;
  }

  async function retry(error: unknown): Promise<unknown> {
    const { config, response } = error as AxiosFailure;
    const grant = config && sent.get(config);
    if (config === undefined || grant === undefined || config.isRetry || response?.status !== 401) throw error;
    const body = typeof response.data === 'string' ? response.data : JSON.stringify(response.data ?? null);
    const answer = new Response(body, { status: 401, headers: { ...(response.headers as Record<string, string>) } });
    if (!(await isRefused(answer, grant, clock))) throw error;
    await unlessAborted(session.replace(grant), config);
    if (!canReplay(config.data)) throw error;
    return axios.request({ ...config, isRetry: true });
  }

  const requests = axios.interceptors.request.use(sign);
  const responses = axios.interceptors.response.use((response: unknown) => response, retry);
  return () => {
    axios.interceptors.request.eject(requests);
    axios.interceptors.response.eject(responses);
  };
}

/** Undefined once the request is given up: axios, handed it back, does not send it and says in its own way why. */
function unlessAborted(work: Promise<Grant>, { signal }: Config): Promise<Grant | void> {
  return untilAborted(work, signal).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}

/** To axios a path without a base is one of the page's own origin. */
function absolute(uri: string): string {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  return page === undefined ? uri : new URL(uri, page).href;
}
