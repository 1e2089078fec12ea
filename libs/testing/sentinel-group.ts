import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '#runtime/free-port.ts';
import { spawnTethered } from '#runtime/spawn-tethered.ts';
import { openProxy, type Proxy } from '#testing/proxy.ts';
import { startRedisServer, type RedisServer } from '#testing/redis-server.ts';

/** Some Redis servers that are one to their clients. */
export interface RedisGroup extends AsyncDisposable {
  url: string;
  /** The server that holds the jobs of the queue. */
  masterOf(queue: string): Promise<RedisServer>;
}

export interface SentinelGroup extends RedisGroup {
  /** What stands before the master, to clients, replicas and Sentinels alike; undefined if it was not asked for. */
  frontOfMaster(): Promise<Proxy | undefined>;
}

/** What servers are started with, and a directory for them. */
export interface RedisPlace {
  binary: string;
  scratch: string;
}

const FAIL_OVER_AFTER_MS = 1_000;
const WAIT_MS = 15_000;
const SENTINELS = 3;

/** A master, two replicas, and three Sentinels of which two decide. */
export async function openSentinelGroup(
  { binary, scratch }: RedisPlace,
  { isFronted = false } = {},
): Promise<SentinelGroup> {
  const stack = new AsyncDisposableStack();
  const servers: RedisServer[] = [];
  const fronts = new Map<RedisServer, Proxy>();
  for (let count = 0; count < 3; count += 1) {
    let url = '';
    const front = isFronted ? stack.use(await openProxy(() => url)) : undefined;
    const announced: Record<string, string> = front
      ? { 'replica-announce-ip': '127.0.0.1', 'replica-announce-port': portOf(front) }
      : {};
    const settings = { 'repl-diskless-sync-delay': '0', ...announced };
    const server = stack.use(await startRedisServer(binary, scratch, settings));
    ({ url } = server);
    servers.push(server);
    if (front !== undefined) fronts.set(server, front);
  }
  const [master, ...replicas] = servers;
  if (master === undefined) throw new Error('no master');
  const masterFront = fronts.get(master);
  const masterPort = masterFront === undefined ? master.port : Number(portOf(masterFront));
  for (const replica of replicas) await commandOf(replica, 'replicaof', '127.0.0.1', masterPort);
  for (const replica of replicas)
    await until(async () => (await commandOf(replica, 'info', 'replication')).includes('link_status:up'));
  const ports: number[] = [];
  for (let count = 0; count < SENTINELS; count += 1)
    ports.push(await startSentinel(stack, { binary, scratch }, masterPort));
  for (const port of ports) {
    await until(async () => {
      const state = await commandOf({ port }, 'sentinel', 'master', 'main');
      return /num-other-sentinels,2(,|$)/.test(state) && /num-slaves,2(,|$)/.test(state);
    });
  }
  const masterOf = async (): Promise<RedisServer> => {
    const roles = await Promise.all(servers.map((server) => commandOf(server, 'role').catch(() => '')));
    return servers[roles.findIndex((role) => role.startsWith('master'))] ?? master;
  };
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/main`,
    masterOf,
    frontOfMaster: async () => fronts.get(await masterOf()),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function portOf(front: Proxy): string {
  return new URL(front.through('redis://any')).port;
}

async function startSentinel(
  stack: AsyncDisposableStack,
  { binary, scratch }: RedisPlace,
  masterPort: number,
): Promise<number> {
  const port = await freePort();
  const directory = mkdtempSync(join(scratch, 'sentinel-'));
  const file = join(directory, 'sentinel.conf');
  writeFileSync(
    file,
    `port ${port}
bind 127.0.0.1
dir ${directory}
sentinel monitor main 127.0.0.1 ${masterPort} 2
sentinel down-after-milliseconds main ${FAIL_OVER_AFTER_MS}
sentinel failover-timeout main 5000
`,
  );
  const sentinel = await spawnTethered(binary, [file, '--sentinel'], {
    endSignal: 'SIGKILL',
    graceMs: 0,
    cwd: directory,
  });
  stack.defer(() => sentinel.stop([]));
  await until(async () => (await commandOf({ port }, 'ping')) === 'PONG');
  return port;
}

/** One command to the server on a port of this machine; @returns its answer as text */
export async function commandOf(
  { port }: { port: number },
  name: string,
  ...args: (string | number)[]
): Promise<string> {
  const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  try {
    return String(await redis.call(name, ...args));
  } finally {
    redis.disconnect();
  }
}

/** Waits for the state of a group. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + WAIT_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > limit) throw new Error('the Redis servers did not become what they should');
    await sleep(50);
  }
}
