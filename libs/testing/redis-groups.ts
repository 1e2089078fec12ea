import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { freePort } from '#runtime/free-port.ts';
import { spawnTethered } from '#runtime/spawn-tethered.ts';
import type { Certificates } from '#testing/certificates.ts';
import type { RedisServer } from '#testing/redis-server.ts';
import { requireRedis, startRedis } from '#testing/redis.ts';

/** Some Redis servers that are one to their clients. */
export interface RedisGroup extends AsyncDisposable {
  url: string;
  /** The server that holds the jobs of the queue. */
  masterOf(queue: string): Promise<RedisServer>;
}

const FAIL_OVER_AFTER_MS = 1_000;
const WAIT_MS = 15_000;
const SLOTS = 16_384;
const MASTERS = 3;
const SENTINELS = 3;

/** A server that speaks TLS besides, and wants certificates of its clients; the URL is without them. */
export async function startTlsRedis({ ca, cert, key }: Certificates): Promise<{ url: string; server: RedisServer }> {
  const port = await freePort();
  const server = await startRedis({
    'tls-port': String(port),
    'tls-ca-cert-file': ca,
    'tls-cert-file': cert,
    'tls-key-file': key,
    'tls-auth-clients': 'yes',
  });
  return { url: `rediss://127.0.0.1:${port}`, server };
}

/** A master, two replicas, and three Sentinels of which two decide. */
export async function startSentinelGroup(): Promise<RedisGroup> {
  const stack = new AsyncDisposableStack();
  const servers: RedisServer[] = [];
  for (let count = 0; count < 3; count += 1)
    servers.push(stack.use(await startRedis({ 'repl-diskless-sync-delay': '0' })));
  const [master, ...replicas] = servers;
  if (master === undefined) throw new Error('no master');
  for (const replica of replicas) await command(replica, 'replicaof', '127.0.0.1', master.port);
  for (const replica of replicas)
    await until(async () => (await command(replica, 'info', 'replication')).includes('link_status:up'));
  const ports: number[] = [];
  for (let count = 0; count < SENTINELS; count += 1) ports.push(await startSentinel(stack, master.port));
  for (const port of ports) {
    await until(async () => {
      const state = await command({ port }, 'sentinel', 'master', 'main');
      return /num-other-sentinels,2(,|$)/.test(state) && /num-slaves,2(,|$)/.test(state);
    });
  }
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/main`,
    async masterOf() {
      const roles = await Promise.all(servers.map((server) => command(server, 'role').catch(() => '')));
      return servers[roles.findIndex((role) => role.startsWith('master'))] ?? master;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function startSentinel(stack: AsyncDisposableStack, masterPort: number): Promise<number> {
  const port = await freePort();
  const directory = mkdtempSync(join(inject('services').scratch, 'sentinel-'));
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
  const sentinel = await spawnTethered(requireRedis().binary, [file, '--sentinel'], {
    endSignal: 'SIGKILL',
    graceMs: 0,
    cwd: directory,
  });
  stack.defer(() => sentinel.stop([]));
  await until(async () => (await command({ port }, 'ping')) === 'PONG');
  return port;
}

/** Three masters and, of the one that holds the jobs of `queue`, a replica. */
export async function startRedisCluster({ replicaFor }: { replicaFor?: string } = {}): Promise<RedisGroup> {
  const stack = new AsyncDisposableStack();
  const servers: { server: RedisServer; bus: number }[] = [];
  const count = MASTERS + (replicaFor === undefined ? 0 : 1);
  for (let index = 0; index < count; index += 1) {
    const bus = await freePort();
    const server = stack.use(
      await startRedis({
        'cluster-enabled': 'yes',
        'cluster-port': String(bus),
        'cluster-node-timeout': String(FAIL_OVER_AFTER_MS),
        'repl-diskless-sync-delay': '0',
      }),
    );
    servers.push({ server, bus });
  }
  const masters = servers.slice(0, MASTERS).map(({ server }) => server);
  const [first] = masters;
  if (first === undefined) throw new Error('no master');
  for (const [index, master] of masters.entries()) {
    const from = Math.ceil((index * SLOTS) / MASTERS);
    await command(master, 'cluster', 'addslotsrange', from, Math.ceil(((index + 1) * SLOTS) / MASTERS) - 1);
    await command(master, 'cluster', 'set-config-epoch', index + 1);
  }
  for (const { server, bus } of servers.slice(1))
    await command(first, 'cluster', 'meet', '127.0.0.1', server.port, bus);
  for (const { server } of servers) {
    await until(async () => {
      const info = await command(server, 'cluster', 'info');
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`);
    });
  }

  async function masterOf(queue: string): Promise<RedisServer> {
    const slot = Number(await command(first!, 'cluster', 'keyslot', `{bull-${queue}}`));
    return masters[Math.floor((slot * MASTERS) / SLOTS)] ?? first!;
  }

  const replica = servers[MASTERS]?.server;
  if (replica !== undefined && replicaFor !== undefined) {
    const master = await masterOf(replicaFor);
    await command(replica, 'cluster', 'replicate', await command(master, 'cluster', 'myid'));
    await until(async () => (await command(replica, 'info', 'replication')).includes('link_status:up'));
  }
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masterOf,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function command({ port }: { port: number }, name: string, ...args: (string | number)[]): Promise<string> {
  const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  try {
    return String(await redis.call(name, ...args));
  } finally {
    redis.disconnect();
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + WAIT_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > limit) throw new Error('the Redis servers did not become what they should');
    await sleep(50);
  }
}
