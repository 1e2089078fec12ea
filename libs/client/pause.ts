import type { Platform } from './platform.ts';
import { untilAborted } from './until-aborted.ts';

/** Waits; rejects with the signal's reason when it is aborted. A waiting Node process stays alive. */
export function pause({ sleep }: Pick<Platform, 'sleep'>, ms: number, signal: AbortSignal | undefined): Promise<void> {
  let cancel = (): void => undefined;
  const slept = new Promise<void>((resolve) => {
    cancel = sleep(ms, resolve);
  });
  return untilAborted(slept, signal).finally(() => cancel());
}
