import { createClient } from '#client/create-client.ts';
import { ClientProblem, problemFrom, problemOf } from '#client/problem.ts';
import { confirmPassword } from './confirm-password.ts';

export const client = createClient({ baseUrl: location.origin, mode: 'cookie' });

export type Query = Record<string, string | number | undefined>;

/** @throws ClientProblem */
export async function read<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return send<T>('GET', search === '' ? path : `${path}?${search}`, undefined, signal);
}

/** An act that needs a fresh sign-in asks for the password and is then sent again. @throws ClientProblem */
export async function act<T = void>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T> {
  try {
    return await send<T>(method, path, body);
  } catch (error) {
    if (!(error instanceof ClientProblem) || error.code !== 'step-up-needed') throw error;
    await confirmPassword();
    return send<T>(method, path, body);
  }
}

async function send<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  try {
    const response = await client.fetch(path, {
      method,
      // Whoever ends their own session gets rid of its cookies too.
      credentials: 'include',
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw await problemOf(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  } catch (error) {
    throw problemFrom(error);
  }
}

export interface Page<T> {
  items: T[];
  nextCursor?: string | null;
}
