import { inject } from 'vitest';
import { freePort } from '#runtime/free-port.ts';
import type { Certificates } from '#testing/certificates.ts';
import type { RedisServer } from '#testing/redis-server.ts';
import { requireRedis, startRedis } from '#testing/redis.ts';
import { commandOf, openSentinelGroup, until, type RedisGroup } from '#testing/sentinel-group.ts';

const FAIL_OVER_AFTER_MS = 1_000;
const SLOTS = 16_384;
const MASTERS = 3;

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

export function startSentinelGroup(): Promise<RedisGroup> {
  return openSentinelGroup({ binary: requireRedis().binary, scratch: inject('services').scratch });
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
    await commandOf(master, 'cluster', 'addslotsrange', from, Math.ceil(((index + 1) * SLOTS) / MASTERS) - 1);
    await commandOf(master, 'cluster', 'set-config-epoch', index + 1);
  }
  for (const { server, bus } of servers.slice(1))
    await commandOf(first, 'cluster', 'meet', '127.0.0.1', server.port, bus);
  for (const { server } of servers) {
    await until(async () => {
      const info = await commandOf(server, 'cluster', 'info');
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`);
    });
  }

  async function masterOf(queue: string): Promise<RedisServer> {
    const slot = Number(await commandOf(first!, 'cluster', 'keyslot', `{bull-${queue}}`));
    return masters[Math.floor((slot * MASTERS) / SLOTS)] ?? first!;
  }

  const replica = servers[MASTERS]?.server;
  if (replica !== undefined && replicaFor !== undefined) {
    const master = await masterOf(replicaFor);
    await commandOf(replica, 'cluster', 'replicate', await commandOf(master, 'cluster', 'myid'));
    await until(async () => (await commandOf(replica, 'info', 'replication')).includes('link_status:up'));
  }
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masterOf,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
