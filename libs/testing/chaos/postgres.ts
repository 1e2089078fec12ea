import { readFileSync } from 'node:fs';
import { settledWithin } from '#runtime/deadline.ts';
import { openEmbeddedDatabase, type EmbeddedDatabase } from '#database/embedded.ts';

/** A server that gives up takes a moment to. */
const ENDING_MS = 1_000;

/** A PostgreSQL that can be ended in every way and comes back where it was. */
export interface ChaosPostgres extends AsyncDisposable {
  readonly url: string;
  readonly ownerUrl: string;
  readonly superuserUrl: string;
  /** `SIGQUIT` is what `pg_ctl -m immediate` sends. Resolves when it has ended. */
  end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts it again on its port and its files. */
  start(): Promise<void>;
  /** Starts it again if it has ended by itself. */
  heal(): Promise<void>;
  /** Stops the server and all its sessions in their tracks; the function that it returns wakes them. */
  freeze(): () => void;
}

export async function openChaosPostgres(home: string): Promise<ChaosPostgres> {
  const passwords = { superuser: 'chaos-superuser', owner: 'chaos-owner', app: 'chaos-app' };
  const open = (port?: number): Promise<EmbeddedDatabase> =>
    openEmbeddedDatabase({ home, outside: home, passwords, ...(port === undefined ? {} : { port }) });
  const first = await open();
  let current = first;
  const start = async (): Promise<void> => {
    current = await open(first.port);
  };
  return {
    url: first.url,
    ownerUrl: first.ownerUrl,
    superuserUrl: Object.assign(new URL(first.superuserUrl), { pathname: new URL(first.url).pathname }).href,
    async end(signal) {
      process.kill(current.pid, signal);
      await current.ended;
    },
    start,
    async heal() {
      if (await settledWithin(ENDING_MS, current.ended)) await start();
    },
    freeze() {
      const pids = [current.pid, ...childrenOf(current.pid)];
      const frozen = pids.filter((pid) => sendSignal(pid, 'SIGSTOP'));
      return () => {
        for (const pid of frozen) sendSignal(pid, 'SIGCONT');
      };
    },
    [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
  };
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
