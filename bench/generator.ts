import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load.ts';

export interface Generator extends Disposable {
  /** Loads a server; `around` is called right before the first request and right after the last answer. */
  load(order: LoadOrder, around: { before: () => void; after: () => void }): Promise<LoadResult>;
}

/** A process for each round, so that none inherits another's garbage. */
export function openGenerator(): Generator {
  const child = fork(join(import.meta.dirname, 'load.ts'));
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('the load generator ended early')));
  gone.catch(() => undefined);
  const message = async (): Promise<unknown> => {
    const [value] = (await Promise.race([once(child, 'message'), gone])) as [unknown];
    return value;
  };
  return {
    async load(order, { before, after }) {
      child.send(order);
      await message();
      before();
      const result = message();
      child.send('go');
      const loaded = (await result) as LoadResult;
      after();
      return loaded;
    },
    [Symbol.dispose]() {
      if (child.connected) child.disconnect();
    },
  };
}
