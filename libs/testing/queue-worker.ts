import { fork, type ChildProcess } from 'node:child_process';
import { z } from 'zod';
import { openQueueConnection } from '#queue/connection.ts';
import { consume } from '#queue/consumer.ts';
import { defineQueue, type QueueContract } from '#queue/contract.ts';
import { openLog } from '#runtime/log.ts';

export interface Task {
  id: number;
  /** How often it throws before it succeeds. */
  failures?: number | undefined;
}

/** A queue of whole numbers. */
export function numbered(name: string): QueueContract<string, Task> {
  return defineQueue({
    name,
    data: z.strictObject({ id: z.int(), failures: z.int().optional() }),
    attempts: 20,
    backoff: { type: 'fixed', delayMs: 50 },
  });
}

export interface Told {
  event: 'begun' | 'done';
  id: number;
}

/** A worker process for `numbered(name)`. `holdMs` is how long each job takes. It tells what it begins and ends. */
export function forkWorker(url: string, name: string, holdMs: number): ChildProcess {
  return fork(import.meta.filename, [url, name, String(holdMs)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

if (import.meta.main) {
  const [url = '', name = '', holdMs = '0'] = process.argv.slice(2);
  const log = openLog({ name: 'test-worker', level: 'silent' });
  const connection = openQueueConnection(url, { role: 'worker', log, consumers: 1 });
  const seen = new Map<number, number>();
  const tell = (told: Told): void => void process.send?.(told);
  consume(numbered(name), async ({ id, failures = 0 }) => {
    tell({ event: 'begun', id });
    await new Promise((resolve) => {
      setTimeout(resolve, Number(holdMs));
    });
    const tries = (seen.get(id) ?? 0) + 1;
    seen.set(id, tries);
    if (tries <= failures) throw new Error(`failure ${tries} of ${failures}`);
    tell({ event: 'done', id });
  }).start(connection, { concurrency: 8, log });
  process.once('disconnect', () => process.exit(0));
}
