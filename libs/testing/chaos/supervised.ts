import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnTethered, type TetheredProcess } from '#runtime/spawn-tethered.ts';
import { environment } from '#runtime/config.ts';
import { POISON } from '#testing/chaos/message.ts';
import { repository } from '#testing/repository.ts';

/** One process that is started again whenever it ends, as a service manager does. */
export interface Supervised extends AsyncDisposable {
  readonly name: string;
  readonly origin: string;
  /** Undefined between its end and its next start. */
  pid(): number | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Ends it with SIGTERM and starts it again. @returns its exit code and how long it took to end */
  roll(): Promise<{ code: number; ms: number }>;
  /** Ends it with SIGTERM; the function that it resolves with starts it again. */
  hold(): Promise<() => void>;
  /** From now on an unasked end with one of these codes is nothing to complain of. */
  excuse(codes: readonly number[]): void;
  isLive(): Promise<boolean>;
  /** Resolves when it answers; @throws Error after `limitMs` */
  live(limitMs?: number): Promise<void>;
  /** Sends SIGUSR2, for which inside.ts listens, unless it may be starting. */
  poke(): void;
  /** Live bytes after each forced collection, by process id. */
  readonly memory: Map<number, { atMs: number; live: number; rss: number }[]>;
  /** What must not be in a log: a bug that ended it, or an end that nobody ordered. */
  readonly complaints: string[];
}

export interface SupervisedOptions {
  name: string;
  script: string;
  port: number;
  env: Record<string, string>;
  flags?: readonly string[];
  logDir: string;
}

const RESTART_MS = 200;
const LOOK_MS = 100;
const INSIDE = join(import.meta.dirname, 'inside.ts');
/** How a process ends that gave up because its store was away when it started, or because its consumer was stuck. */
const ALLOWED_ENDS = new Set([0, 1, 70]);
/** A worker's last words when its store keeps its consumer stuck: it wants to be started again. */
const HOPELESS = 'jobs wait and none is taken';
/** What every process says of an error that is none of the expected ones: unhandled rejections, answers 500, failed jobs. */
const BUG = /"msg":"a bug /;
const BLOCKED = 'the event loop stands still';
const GRACE_MS = 15_000;

/** Starts it; it may not be live yet. */
export async function supervise(options: SupervisedOptions): Promise<Supervised> {
  const { name, script, port, env, flags = [], logDir } = options;
  const log = createWriteStream(join(logDir, `${name}.log`), { flags: 'a' });
  const memory: Supervised['memory'] = new Map();
  const complaints: string[] = [];
  const origin = `http://127.0.0.1:${port}`;
  let current: TetheredProcess | undefined;
  let isReady = false;
  let isClosed = false;
  let isOrdered = false;
  let excused: readonly number[] = [];
  let held: PromiseWithResolvers<void> | undefined;

  const onLine = (line: string): void => {
    if (line.startsWith('{"chaosMemory"')) noteMemory(line);
    else log.write(`${line}\n`);
    if (line.includes(HOPELESS) || (line.includes(BLOCKED) && excused.length > 0)) return;
    const isBug = BUG.test(line) && !Object.values(POISON).some((poison) => line.includes(poison));
    if (isBug || line.startsWith('{"level":60') || /^(?:Uncaught|node:internal|.*UnhandledPromise)/.test(line)) {
      complaints.push(`${name}: ${line.slice(0, 400)}`);
    }
  };
  const noteMemory = (line: string): void => {
    const pid = current?.pid;
    if (pid === undefined) return;
    const { chaosMemory } = JSON.parse(line) as { chaosMemory: { live: number; rss: number } };
    const samples = memory.get(pid) ?? [];
    samples.push({ atMs: performance.now(), ...chaosMemory });
    memory.set(pid, samples);
  };
  const start = async (): Promise<void> => {
    isReady = false;
    isOrdered = false;
    const args = ['--expose-gc', ...flags, '--import', INSIDE, join(repository, script)];
    current = await spawnTethered(process.execPath, args, {
      cwd: repository,
      env: { PATH: environment()['PATH'], HOME: environment()['HOME'], NODE_ENV: 'production', ...env },
      endSignal: 'SIGTERM',
      graceMs: GRACE_MS,
      onLine,
    });
  };
  const isLive = async (): Promise<boolean> => {
    try {
      const response = await fetch(`${origin}/livez`, { signal: AbortSignal.timeout(1_000) });
      await response.body?.cancel();
      isReady = true;
      return true;
    } catch {
      return false;
    }
  };
  const keepRunning = async (): Promise<void> => {
    while (true) {
      const code = await current?.ended;
      current = undefined;
      if (isClosed) return;
      const isAllowed = isOrdered || ALLOWED_ENDS.has(code ?? 0) || excused.includes(code ?? 0);
      if (!isAllowed) complaints.push(`${name} ended with ${code}, unasked`);
      await sleep(RESTART_MS);
      await held?.promise;
      if (isClosed) return;
      await start();
    }
  };
  await start();
  const keeping = keepRunning();

  return {
    name,
    origin,
    memory,
    complaints,
    pid: () => current?.pid,
    kill(signal) {
      isOrdered = true;
      current?.signal(signal);
    },
    async roll() {
      const ending = current;
      const startedAt = performance.now();
      isOrdered = true;
      ending?.signal('SIGTERM');
      const code = (await ending?.ended) ?? 0;
      return { code, ms: performance.now() - startedAt };
    },
    async hold() {
      const holding = Promise.withResolvers<void>();
      held = holding;
      isOrdered = true;
      current?.signal('SIGTERM');
      await current?.ended;
      return () => holding.resolve();
    },
    excuse(codes) {
      excused = codes;
    },
    isLive,
    async live(limitMs = 30_000) {
      const limit = performance.now() + limitMs;
      while (!(await isLive())) {
        if (performance.now() > limit) throw new Error(`${name} is not live after ${limitMs} ms`);
        await sleep(LOOK_MS);
      }
    },
    poke() {
      if (isReady) current?.signal('SIGUSR2');
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      held?.resolve();
      await current?.stop([['SIGTERM', GRACE_MS]]);
      await keeping;
      log.end();
    },
  };
}
