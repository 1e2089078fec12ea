import { attachToAxios, type AxiosLike } from './attach-to-axios.ts';
import { openAuthCalls, type Credentials, type User } from './auth-calls.ts';
import { openAuthorizedFetch } from './authorized-fetch.ts';
import { openPlatform, type Platform } from './platform.ts';
import { problemFrom, problemOf } from './problem.ts';
import { openTargets } from './request-target.ts';
import { openServerClock } from './server-clock.ts';
import { openSession } from './session.ts';
import { openUploads, type UploadOptions, type UploadReceipt } from './upload.ts';
import { openMemoryVault, openStorageVault, type TokenStorage } from './vault.ts';
import { openVerdicts, type UploadState, type WaitOptions } from './wait-for-verdict.ts';

export interface ClientOptions {
  /** Where Portcullis is, such as `https://ingress.example`; in a page also a path of its own origin. */
  baseUrl: string;
  /** `cookie`: for pages; no script ever sees the refresh token. `bearer`: for programs and apps. */
  mode: 'cookie' | 'bearer';
  /** Bearer mode only: where tokens are kept, such as `sessionStorage`. Without one they die with the page. */
  storage?: TokenStorage;
  /** Further origins that may see the access token, such as an application's own API. */
  origins?: readonly string[];
  /** For tests. */
  platform?: Platform;
}

export interface SessionInfo {
  id: string;
  device: string;
  addressPrefix: string;
  createdAt: string;
  lastUsedAt: string;
  method: string;
  current: boolean;
}

/** What happened to the session: in this tab or, where tabs share it, in another. */
export interface ClientEvents {
  'signed-in': undefined;
  /** `logout`, `logout-all`, or the server's code, such as `session-ended`. */
  'signed-out': { reason: string };
}

export interface Client {
  /** @throws ClientProblem, such as `login-failed` or `limit-exceeded` */
  login(credentials: Credentials): Promise<User>;
  /** Signed out here at once. @throws ClientProblem where the server could not be told */
  logout(): Promise<void>;
  /** Ends every session of this person. @returns how many */
  logoutAll(): Promise<number>;
  /** `fetch` with the access token, refreshed when needed. @throws ClientProblem `signed-out`, `refresh-delayed` */
  fetch: typeof fetch;
  sessions(): Promise<SessionInfo[]>;
  endSession(id: string): Promise<void>;
  /** @returns how many were ended */
  endOtherSessions(): Promise<number>;
  /** Resolves when the file is durable and waits for its scan. @throws ClientProblem */
  upload(file: Blob, options: UploadOptions): Promise<UploadReceipt>;
  /** Resolves when it is decided whether the file is clean. @throws ClientProblem `not-found` */
  waitForVerdict(id: string, options?: WaitOptions): Promise<UploadState>;
  /** Gives an axios instance the same behaviour. @returns how to undo it */
  attachToAxios(axios: AxiosLike): () => void;
  /** @returns how to stop listening */
  on<E extends keyof ClientEvents>(event: E, listener: (detail: ClientEvents[E]) => void): () => void;
  close(): void;
}

export function createClient(options: ClientOptions): Client {
  const { baseUrl, mode, storage, origins = [], platform = openPlatform() } = options;
  const isCookie = mode === 'cookie';
  const targetOf = openTargets(baseUrl, origins);
  const name = `${mode} ${targetOf('/').url}`;
  const clock = openServerClock(platform.now);
  const kept = isCookie ? undefined : storage;
  const vault = kept === undefined ? openMemoryVault() : openStorageVault(kept, `portcullis ${name}`);
  const listeners: { [E in keyof ClientEvents]: Set<(detail: ClientEvents[E]) => void> } = {
    'signed-in': new Set(),
    'signed-out': new Set(),
  };
  const urlOf = (path: string): string => targetOf(path).url;
  const deviceId = isCookie ? undefined : deviceIdOf(kept, `portcullis device ${name}`);
  const calls = openAuthCalls({ platform, clock, mode, urlOf, deviceId });
  const session = openSession({
    name,
    platform,
    clock,
    vault,
    hasCookie: isCookie,
    isShared: isCookie || kept !== undefined,
    ask: (grant, signal) => calls.refresh(grant?.refreshToken, signal),
    onSignedIn: () => listeners['signed-in'].forEach((listener) => listener(undefined)),
    onSignedOut: (reason) => listeners['signed-out'].forEach((listener) => listener({ reason })),
  });
  const parts = { session, platform, clock, targetOf };
  const authorizedFetch = openAuthorizedFetch(parts);

  async function call<T>(path: string, method = 'GET'): Promise<T> {
    const response = await authorizedFetch(path, { method, ...(isCookie ? { credentials: 'include' } : {}) }).catch(
      throwProblem,
    );
    if (!response.ok) throw await problemOf(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  return {
    async login(credentials) {
      const { user, ...tokens } = await calls.login(credentials).catch(throwProblem);
      session.begin(tokens);
      return user;
    },
    async logout() {
      const forgotten = session.end('logout');
      if (isCookie || forgotten !== undefined) await calls.logout(forgotten?.refreshToken).catch(throwProblem);
    },
    async logoutAll() {
      const { count } = await call<{ count: number }>('/api/auth/logout-all', 'POST');
      session.end('logout-all');
      return count;
    },
    fetch: authorizedFetch,
    async sessions() {
      return (await call<{ items: SessionInfo[] }>('/api/sessions?limit=200')).items;
    },
    async endSession(id) {
      await call(`/api/sessions/${encodeURIComponent(id)}`, 'DELETE');
    },
    async endOtherSessions() {
      return (await call<{ count: number }>('/api/sessions/terminate-others', 'POST')).count;
    },
    upload: openUploads(parts),
    waitForVerdict: openVerdicts({ platform, fetch: authorizedFetch }),
    attachToAxios: (axios) => attachToAxios(axios, parts),
    on(event, listener) {
      listeners[event].add(listener);
      return () => listeners[event].delete(listener);
    },
    close: () => session.close(),
  };
}

function throwProblem(error: unknown): never {
  throw problemFrom(error);
}

/** The server answers a lost refresh again only to the device that asked. */
function deviceIdOf(storage: TokenStorage | undefined, key: string): string {
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  try {
    const kept = storage?.getItem(key) ?? fresh;
    storage?.setItem(key, kept);
    return kept;
  } catch {
    return fresh;
  }
}
