import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { catalogue } from '#catalogue.ts';
import { makeCertificates } from '#testing/certificates.ts';
import { openTestDatabase } from '#testing/database.ts';
import { startProcess, type TestProcess } from '#testing/process.ts';
import { runCommand } from '#testing/redis-command.ts';
import { startRedisCluster, startSentinelGroup, startTlsRedis } from '#testing/redis-groups.ts';
import type { RedisGroup } from '#testing/sentinel-group.ts';
import { hasRedis } from '#testing/redis.ts';
import { testSecrets } from '#testing/secrets.ts';
import { examineQueue } from '../cli/doctor/examine-queue.ts';

const PASSWORD = 'k8Jq-zz19-Lmw2-pqx7';
const authorization = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
const WELL_AGAIN_MS = 30_000;

function closing<T extends AsyncDisposable>(opened: T): T {
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

interface Group extends RedisGroup {
  /** Takes its master away; where nobody takes its place it comes back. */
  lose(): Promise<void>;
}

async function startTls(): Promise<Group> {
  const certificates = makeCertificates(['redis.internal']);
  const { url, server } = await startTlsRedis(certificates);
  const { ca, cert, key } = certificates;
  return {
    url: `${url}?ca=${ca}&servername=redis.internal&cert=${cert}&key=${key}`,
    masterOf: async () => server,
    async lose() {
      server.signal('SIGKILL');
      await server.ended();
      await server.restart();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function losingMaster(starting: Promise<RedisGroup>): Promise<Group> {
  const group = await starting;
  return Object.assign(group, {
    async lose() {
      const master = await group.masterOf('sweeps');
      master.signal('SIGKILL');
      await master.ended();
    },
  });
}

async function doctorSays(url: string): Promise<string[]> {
  return (await examineQueue({ QUEUE_URL: url })).map(({ state, text }) => `${state}: ${text}`);
}

interface Processes {
  ingress: TestProcess;
  worker: TestProcess;
  board: TestProcess;
}

async function startAll(url: string): Promise<Processes> {
  const database = closing(await openTestDatabase());
  const env = {
    ...testSecrets,
    DATABASE_URL: database.url,
    QUEUE_URL: url,
    PORT: '0',
    WORKER_PORT: '0',
    BOARD_PORT: '0',
    BOARD_PASSWORD: PASSWORD,
  };
  const [ingress, worker, board] = await Promise.all([
    startProcess('apps/ingress/main.ts', { env }),
    startProcess('apps/worker/main.ts', { args: ['webhooks', 'events', 'sweeps', 'audit'], env }),
    startProcess('apps/board/main.ts', { env }),
  ]);
  return { ingress: closing(ingress), worker: closing(worker), board: closing(board) };
}

/** How many sign-ins were let through to the password by counters in Redis. */
async function countedInRedis({ ingress }: Processes): Promise<number> {
  await fetch(`${ingress.origin}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'nobody@example.com', password: 'not the password' }),
  });
  const metrics = await (await fetch(`${ingress.origin}/metrics`)).text();
  expect(metrics).toMatch(/^portcullis_limit_redis_away 0$/m);
  const counted = /^portcullis_limit_decisions_total\{policy="password",outcome="allowed",store="redis"\} (\d+)$/m;
  return Number(counted.exec(metrics)?.[1] ?? 0);
}

async function expectAllWell({ ingress, worker, board }: Processes): Promise<void> {
  for (const { origin } of [ingress, worker, board]) {
    const response = await fetch(`${origin}/readyz`);
    expect(await response.json()).toMatchObject({ status: 'ready', checks: { queue: 'ok' } });
  }
  const response = await fetch(`${board.origin}/api/queues?activeQueue=sweeps&status=delayed`, {
    headers: { authorization },
  });
  expect(response.status).toBe(200);
  const { queues } = (await response.json()) as { queues: { name: string; jobs: unknown[] }[] };
  expect(queues.map(({ name }) => name).toSorted()).toEqual(Object.keys(catalogue).toSorted());
  expect(queues.find(({ name }) => name === 'sweeps')?.jobs.length).toBeGreaterThan(0);
  expect(await (await fetch(`${board.origin}/metrics`)).text()).toMatch(
    /^portcullis_queue_jobs\{queue="sweeps",state="delayed"\} [1-9]/m,
  );
}

describe.skipIf(!hasRedis())('on a Redis', () => {
  it.each<[string, () => Promise<Group>]>([
    ['with TLS', startTls],
    ['that Sentinels watch', () => losingMaster(startSentinelGroup())],
    ['cluster', () => losingMaster(startRedisCluster({ replicaFor: 'sweeps' }))],
  ])(
    '%s the board, readiness, the limits and the doctor see what is there, and again after its master was lost',
    { timeout: 90_000 },
    async (_, start) => {
      const group = closing(await start());
      const told = (): Promise<string[]> => doctorSays(group.url);
      const master = await group.masterOf('sweeps');
      await runCommand(master.url, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      expect(await told()).toContain(
        'wrong: Redis: maxmemory-policy is allkeys-lru; it has to be noeviction, or Redis may drop jobs',
      );
      await runCommand(master.url, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');

      const processes = await startAll(group.url);
      await vi.waitFor(() => expectAllWell(processes), { timeout: WELL_AGAIN_MS, interval: 200 });
      expect(await countedInRedis(processes)).toBe(1);
      expect(await told()).toEqual([expect.stringContaining('persistence is off')]);

      await group.lose();
      let before = 0;
      await vi.waitFor(
        async () => {
          await expectAllWell(processes);
          const counted = await countedInRedis(processes);
          const isCounting = counted > before && before > 0;
          before = counted;
          expect(isCounting).toBe(true);
        },
        { timeout: WELL_AGAIN_MS, interval: 300 },
      );
      await vi.waitFor(async () => expect(await told()).toEqual([expect.stringContaining('persistence is off')]), {
        timeout: WELL_AGAIN_MS,
        interval: 300,
      });
    },
  );

  it('cluster of which a part is away the doctor finds that', async () => {
    const cluster = closing(await startRedisCluster());
    const lost = await cluster.masterOf('sweeps');
    lost.signal('SIGKILL');
    await lost.ended();
    // The others go on for as long as they wait for the lost one, and say then that the cluster is down.
    await vi.waitFor(
      async () => expect(await doctorSays(cluster.url)).toEqual(['wrong: the Redis of the queue does not answer']),
      { timeout: WELL_AGAIN_MS, interval: 300 },
    );
  });
});
