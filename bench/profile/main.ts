import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { repository } from '../../libs/testing/repository.ts';
import { isInstalled, installPackages } from '../../setup/packages.mjs';
import { cpuSecondsOf } from '../cpu.ts';
import { openStores } from '../stores.ts';
import { describeProfile } from './describe-profile.ts';
import type { CpuProfile } from './self-times.ts';
import { targets, type Around, type Target } from './targets.ts';

const WARM_UP_SECONDS = 3;
const WRITTEN_LIMIT_MS = 20_000;
const LOOK_MS = 50;
const directory = join(repository, '.cache', 'profiles');

/** Where the CPU time of one ingress goes under the load of the bench, and what PostgreSQL and Redis take beside it. */
async function profile(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '8' },
      connections: { type: 'string', default: '64' },
      top: { type: 'string', default: '30' },
      worker: { type: 'boolean', default: false },
    },
  });
  const [name = ''] = positionals;
  const start = Object.hasOwn(targets, name) ? targets[name as keyof typeof targets] : undefined;
  if (start === undefined) throw new Error(`npm run profile -- ${Object.keys(targets).join('|')}`);
  await using stack = new AsyncDisposableStack();
  mkdirSync(directory, { recursive: true });
  const stores = await openStores(stack);
  const env = {
    NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'record-cpu.ts')).href}`,
    PROFILE_DIR: directory,
  };
  const connections = Number(values.connections);
  const target = await start(stack, { stores, connections, withWorker: values.worker, env });
  await target.load(WARM_UP_SECONDS, { before: () => undefined, after: () => undefined });
  const pids = { ...target.processes, PostgreSQL: stores.postgresPid, Redis: stores.redisPid };
  const before: Record<string, number> = {};
  const cpu: Record<string, number> = {};
  const { requests, seconds } = await target.load(Number(values.seconds), {
    async before() {
      await signalAll(target);
      for (const [process, pid] of Object.entries(pids)) before[process] = cpuSecondsOf([pid]);
    },
    async after() {
      for (const [process, pid] of Object.entries(pids)) cpu[process] = cpuSecondsOf([pid]) - (before[process] ?? 0);
      await signalAll(target);
    },
  } satisfies Around);
  console.log(`\n${requests} requests in ${seconds.toFixed(1)} s: ${(requests / seconds).toFixed(0)} a second\n`);
  for (const [process, cpuSeconds] of Object.entries(cpu)) {
    console.log(`${process.padEnd(10)} ${((cpuSeconds / requests) * 1e6).toFixed(1).padStart(8)} µs of CPU a request`);
  }
  for (const [process, pid] of Object.entries(target.processes)) {
    const file = join(directory, `${pid}.cpuprofile`);
    const recorded = JSON.parse(await textOf(file)) as CpuProfile;
    console.log(`\n${describeProfile(recorded, { process, requests, root: repository, top: Number(values.top) })}`);
    console.log(`\n${file} opens in the performance panel of Chromium's developer tools.`);
  }
}

/** Begins or ends the profiles. */
async function signalAll({ processes }: Target): Promise<void> {
  for (const pid of Object.values(processes)) {
    rmSync(join(directory, `${pid}.cpuprofile`), { force: true });
    process.kill(pid, 'SIGUSR2');
  }
  await sleep(LOOK_MS);
}

async function textOf(file: string): Promise<string> {
  const limit = Date.now() + WRITTEN_LIMIT_MS;
  for (;;) {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      if (Date.now() > limit) throw error;
      await sleep(LOOK_MS);
    }
  }
}

if (!isInstalled(join(repository, 'bench'))) await installPackages(process.execPath, join(repository, 'bench'));
await profile(process.argv.slice(2));
