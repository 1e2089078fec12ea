import { Worker } from 'node:worker_threads';
import type { Options } from '@node-rs/argon2';

export type HashTask = { password: Uint8Array; options: Options } & (
  | { kind: 'make' }
  | { kind: 'check'; hash: string }
);

export interface HashThreads {
  /** Runs a task on an idle thread, beginning one if there is none: the caller bounds how many run at once. */
  run(task: HashTask): Promise<HashResult>;
  close(): Promise<void>;
}

export interface HashResult {
  /** The hash that was made, or whether the password is right. */
  result: string | boolean;
  /** Of the hash alone, without waiting for the thread. */
  tookMs: number;
}

type Reply = HashResult | { error: string };

/**
 * Threads for argon2 and bcrypt, of a lower priority than the one that serves requests: a flood of sign-ins must not slow down the
 * rest. Not libuv's pool, which has four threads for DNS, files and all else. Idle ones keep no process alive.
 */
export function openHashThreads(): HashThreads {
  const threads = new Set<Worker>();
  const idle: Worker[] = [];

  function begin(): Worker {
    const thread = new Worker(new URL('hash-thread.ts', import.meta.url));
    threads.add(thread);
    thread.once('exit', () => {
      threads.delete(thread);
      const at = idle.indexOf(thread);
      if (at >= 0) idle.splice(at, 1);
    });
    return thread;
  }

  return {
    async run(task) {
      const thread = idle.pop() ?? begin();
      thread.ref();
      const reply = await ask(thread, task);
      thread.unref();
      idle.push(thread);
      if ('error' in reply) throw new Error(`the hash: ${reply.error}`);
      return reply;
    },
    async close() {
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
  };
}

function ask(thread: Worker, task: HashTask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settle = (action: () => void): void => {
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      action();
    };
    const onMessage = (reply: Reply): void => settle(() => resolve(reply));
    const onError = (error: unknown): void =>
      settle(() => reject(new Error('the thread that hashes has failed', { cause: error })));
    const onExit = (): void => settle(() => reject(new Error('the thread that hashes has ended')));
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
    thread.postMessage(task);
  });
}
