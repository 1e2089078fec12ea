import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { fixed, rotating } from '../access/clients.ts';
import { LIMITS_PER_MINUTE, type Contestant } from '../access/contestants.ts';
import { addressOf, makePeople, signIn } from '../access/people.ts';
import { requestBytes } from '../http-load.ts';
import { createEffects, openPool, prepareOurs } from '../queues/contestants.ts';
import { startProgram, startServer } from '../servers.ts';
import type { Stores } from '../stores.ts';
import { DUE, filledId, fillTables, GROWING, type GrowingTable } from './fill.ts';

const PEOPLE = 8;
const SESSIONS = 32;

/** One ingress on a database whose tables have so many rows. */
export interface Place {
  size: number;
  port: number;
  /** The ingress and the stores. */
  pids: readonly number[];
  /** As the owner of the tables. */
  pool: Pool;
  urls: { url: string; superuserUrl: string; redisUrl: string };
  refreshes: Contestant;
  polls: Contestant;
  /** Workers of the queues that webhooks go through, which write one row in `effect` for each event. */
  startWorkers(stack: AsyncDisposableStack, count: number): Promise<number[]>;
}

export interface PlaceOptions {
  stores: Stores;
  secret: string;
  size: number;
  /** Which of Redis' databases. */
  redis: number;
  tables?: readonly GrowingTable[];
}

export async function openPlace(
  stack: AsyncDisposableStack,
  { stores, secret, size, redis, tables = GROWING }: PlaceOptions,
): Promise<Place> {
  const name = `rows_${size}_${randomBytes(2).toString('hex')}`;
  const { url, ownerUrl, superuserUrl } = await stores.database(name);
  const redisUrl = stores.redis(redis);
  const dataDir = join(stores.scratch, name);
  const programs = await prepareOurs({ url, ownerUrl, secret, dataDir }, { usesRedis: true }, redisUrl);
  const pool = openPool(stack, ownerUrl);
  await createEffects(pool);
  const people = await makePeople(url, PEOPLE);
  await fillTables(superuserUrl, { size, people: people.map(({ id }) => id), tables });
  const { receiver, worker } = programs;
  const env = { ...receiver.env, TRUST_PROXY: '127.0.0.1/32', LIMITS_PER_MINUTE };
  const ingress = await startServer(stack, receiver.file, env, receiver.flags);
  const { port } = ingress;
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, n) => {
      const person = people[n % PEOPLE];
      if (person === undefined) throw new Error('there are no people');
      return { number: n % PEOPLE, ...(await signIn(port, person, addressOf(n))) };
    }),
  );
  const pids = [ingress.pid, stores.postgresPid, stores.redisPid];
  const title = `${size} rows`;
  return {
    size,
    port,
    pids,
    pool,
    urls: { url, superuserUrl, redisUrl },
    refreshes: { name: title, port, pids, clients: sessions.map(({ refreshToken }) => rotating([refreshToken])) },
    polls: {
      name: title,
      port,
      pids,
      clients: sessions.map(({ accessToken, number }) => ({
        next: () => fixed(pollOf(accessToken, uploadOf(number, size))).next(),
      })),
    },
    async startWorkers(workers, count) {
      const started: number[] = [];
      for (let n = 0; n < count; n += 1) {
        const program = await startProgram(worker.file, worker.env, worker.flags, ['webhooks', 'events']);
        workers.defer(() => program.stop([['SIGTERM', 10_000]]));
        started.push(program.pid);
      }
      return started;
    },
  };
}

const pollOf = (accessToken: string, id: string): Buffer =>
  requestBytes('GET', `/api/uploads/${id}`, { authorization: `Bearer ${accessToken}` });

/** Any upload of this person that is not deleted. */
function uploadOf(person: number, size: number): string {
  const first = Math.ceil((DUE + 1) / 100);
  const hundreds = Math.floor(size / 100) - 1;
  return filledId((first + Math.floor(Math.random() * hundreds)) * 100 + person);
}
