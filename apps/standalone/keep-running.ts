import { setTimeout as sleep } from 'node:timers/promises';
import { openBackOff } from './back-off.ts';

/** Something that runs by itself until it ends. */
export interface Started {
  /** Resolves with an exit code. */
  readonly ended: Promise<number>;
  stop(): Promise<void>;
}

export interface KeepRunningOptions {
  name: string;
  say: (line: string) => void;
  /** The longest wait before it is started again. */
  maxDelayMs?: number;
}

/**
 * Whenever what was started ends unasked, starts it again after a growing wait.
 * @returns what stops it for good
 */
export function keepRunning(
  first: Started,
  startAgain: () => Promise<Started>,
  { name, say, maxDelayMs = 30_000 }: KeepRunningOptions,
): () => Promise<void> {
  const stopping = new AbortController();
  const backOff = openBackOff({ maxMs: maxDelayMs });
  let current: Started | undefined = first;
  let startedAtMs = Date.now();

  const watch = async (): Promise<void> => {
    for (;;) {
      const reason = current === undefined ? 'could not be started' : `ended (exit ${await current.ended})`;
      if (stopping.signal.aborted) return;
      const delayMs = backOff.next(Date.now() - startedAtMs);
      say(`${name} ${reason}: starting it again in ${delayMs / 1000} s`);
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      startedAtMs = Date.now();
      current = await startAgain().catch((error: unknown) => {
        say(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      });
      // We were asked to stop while it started.
      if (stopping.signal.aborted) return current?.stop();
    }
  };
  const watching = watch();
  return async () => {
    stopping.abort();
    await current?.stop();
    await watching;
  };
}
