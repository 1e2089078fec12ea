import { setTimeout as sleep } from 'node:timers/promises';

const READY_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 3_000;

/**
 * Resolves when `<address>/readyz` answers 200.
 * @throws Error if the process ends first, after a minute, or when `signal` says so
 */
export async function waitUntilReady(
  name: string,
  { address, ended, signal }: { address: string; ended: Promise<number>; signal: AbortSignal },
): Promise<void> {
  const limit = Date.now() + READY_LIMIT_MS;
  let exit: number | undefined;
  void ended.then((code) => (exit = code));
  while (Date.now() < limit) {
    signal.throwIfAborted();
    if (exit !== undefined) throw new Error(`${name} ended before it was ready (exit ${exit})`);
    if (await answers(address)) return;
    await sleep(50);
  }
  throw new Error(`${name} was not ready within ${READY_LIMIT_MS / 1000} s`);
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
