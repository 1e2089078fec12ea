import { setTimeout as sleep } from 'node:timers/promises';
import { answering, forwardingTo, openFakeClamd, type Behaviour } from '#testing/fake-clamd.ts';
import { openLocalClamd } from '#uploads/local-clamd.ts';

/** A real clamd, with something in front of it that can answer in its place. */
export interface ChaosScanner extends AsyncDisposable {
  /** For CLAMD_URL. */
  readonly url: string;
  /** kill -9. Resolves when it has been started again and answers. */
  kill(): Promise<void>;
  /** The function that it returns wakes it. */
  freeze(): () => void;
  /** From now on it is answered so; the function that it returns ends that. */
  lie(lie: Lie): () => void;
}

/** Ways to answer that are none of clamd's. */
export const LIES = {
  'a reply that breaks off': answering('stream: O'),
  'a line that is no verdict': answering('stream: FINE\0'),
  'a verdict of something else': answering('1: stream: OK but not quite\0'),
  'no reply': () => undefined,
  'a connection that is closed': ({ socket }) => void socket.destroy(),
  'a connection that is closed at the end': answering(''),
} as const satisfies Record<string, Behaviour>;
export type Lie = keyof typeof LIES;

const KILL_SEEN_MS = 200;

/** Undefined where this machine has no clamd. */
export async function openChaosScanner(dataDir: string): Promise<ChaosScanner | undefined> {
  const clamd = await openLocalClamd({ dataDir, threads: 2 });
  if (clamd === undefined) return undefined;
  const stack = new AsyncDisposableStack();
  stack.use(clamd);
  try {
    await clamd.ready(60_000);
    if (!('path' in clamd.address)) throw new Error('a clamd of ours has a unix socket');
    const forward = forwardingTo(clamd.address.path);
    const front = stack.use(await openFakeClamd(forward));
    return {
      url: `tcp://${front.address.host}:${front.address.port}`,
      async kill() {
        process.kill(clamd.pid, 'SIGKILL');
        await sleep(KILL_SEEN_MS);
        await clamd.ready(60_000);
      },
      freeze() {
        const { pid } = clamd;
        process.kill(pid, 'SIGSTOP');
        return () => void process.kill(pid, 'SIGCONT');
      },
      lie(lie) {
        front.behave(LIES[lie]);
        return () => front.behave(forward);
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
