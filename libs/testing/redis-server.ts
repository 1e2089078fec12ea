import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '#runtime/free-port.ts';
import { spawnTethered, type TetheredProcess } from '#runtime/spawn-tethered.ts';

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** `SIGSTOP` freezes it, `SIGCONT` wakes it, `SIGKILL` kills it. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it as an operator would. */
  stop(): Promise<void>;
  /** Resolves when it has ended. */
  ended(): Promise<void>;
  /** Starts it again on its port and on what it kept, after `stop` or a kill. */
  restart(): Promise<void>;
  /** Starts it again if it has ended by itself. */
  heal(): Promise<void>;
  /** Ends it at once and starts an empty one in its place. */
  replace(): Promise<void>;
}

const START_TRIES = 5;
const READY_LIMIT_MS = 10_000;

/** A redis-server of one's own on a free loopback port, by default without persistence and evicting nothing. */
export async function startRedisServer(
  binary: string,
  scratch: string,
  settings: Record<string, string> = {},
): Promise<RedisServer> {
  const directory = mkdtempSync(join(scratch, 'redis-'));
  const start = (port: number): Promise<TetheredProcess | undefined> =>
    startOnce(binary, {
      save: '',
      appendonly: 'no',
      ...settings,
      dir: directory,
      bind: '127.0.0.1',
      port: String(port),
    });

  let port = 0;
  let server: TetheredProcess | undefined;
  for (let tries = 0; server === undefined; tries += 1) {
    if (tries === START_TRIES) throw new Error('redis-server did not start');
    port = await freePort();
    server = await start(port);
  }
  let current = server;
  const stop = async (): Promise<void> => {
    current.signal('SIGCONT');
    await current.stop([['SIGTERM', 5_000]]);
  };
  const restart = async (): Promise<void> => {
    await stop();
    const next = await start(port);
    if (next === undefined) throw new Error(`redis-server did not start again on port ${port}`);
    current = next;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return current.pid;
    },
    signal: (name) => current.signal(name),
    stop,
    async ended() {
      await current.ended;
    },
    restart,
    async heal() {
      if (!current.running) await restart();
    },
    async replace() {
      current.signal('SIGKILL');
      await current.ended;
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory);
      await restart();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function startOnce(binary: string, settings: Record<string, string>): Promise<TetheredProcess | undefined> {
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = await spawnTethered(binary, flags, { endSignal: 'SIGKILL', graceMs: 0, cwd: settings['dir'] ?? '/' });
  const limit = Date.now() + READY_LIMIT_MS;
  while (server.running && Date.now() < limit) {
    if (await answersPing(Number(settings['port']))) return server;
    await sleep(20);
  }
  await server.stop([]);
  return undefined;
}

/** Whether it serves; one that is still loading answers with an error. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, settle(false));
    socket.once('error', settle(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => settle(/^(\+PONG|-NOAUTH)/.test(data.toString()))());
  });
}
