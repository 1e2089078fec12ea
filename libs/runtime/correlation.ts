import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

const ACCEPTED = /^[\w-]{8,64}$/;
const storage = new AsyncLocalStorage<string>();

/** Runs `work` so that every log line in it carries `id`: the one that leads from a request to its job and its effects. */
export function correlate<T>(id: string, work: () => T): T {
  return storage.run(id, work);
}

export function correlationId(): string | undefined {
  return storage.getStore();
}

/** A caller's `x-request-id` if it has an acceptable form, else a fresh one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && ACCEPTED.test(header) ? header : randomUUID();
}
