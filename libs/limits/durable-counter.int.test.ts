import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { consumeDurable } from '#limits/durable-counter.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

const policy = { name: 'test', points: 5, windowSeconds: 900 };

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

let key = '';
let n = 0;
beforeEach(() => {
  n += 1;
  key = `key-${n}`;
});
const consume = (of = policy) => consumeDurable(database.pool, of, key);
const points = async () =>
  (await database.pool.query('select points from limiter_counter where key = $1', [`test:${key}`])).rows[0]?.points;

it('gives out as many points as there are, however many ask at once', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 100 }, () => consume()));
  const given = asked.flatMap((result) => (result.status === 'fulfilled' ? [result.value.left] : []));
  expect(new Set(given)).toEqual(new Set([0, 1, 2, 3, 4]));
  expect(given).toHaveLength(5);
  expect(await points()).toBe(5);
});

it('says for how long nothing is left', async () => {
  for (let time = 0; time < 5; time += 1) await consume();
  const refusal = await consume().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'limit-exceeded' });
  expect((refusal as { retryAfterSeconds: number }).retryAfterSeconds).toBeGreaterThan(895);
});

it('takes back exactly the point that was given', async () => {
  const taken = [await consume(), await consume(), await consume()];
  await taken[1]?.refund(database.pool);
  expect(await points()).toBe(2);
});

it('takes nothing back into a later window', async () => {
  const early = await consume();
  await database.pool.query(`update limiter_counter set expires_at = now() - interval '1 second' where key = $1`, [
    `test:${key}`,
  ]);
  await consume();
  await early.refund(database.pool);
  expect(await points()).toBe(1);
});

it('never goes below zero', async () => {
  const taken = await consume();
  await taken.refund(database.pool);
  await taken.refund(database.pool);
  expect(await points()).toBe(0);
});

it('begins a window anew when it is over, and keeps policies apart', async () => {
  for (let time = 0; time < 5; time += 1) await consume();
  await consume({ ...policy, name: 'other' });
  await database.pool.query(`update limiter_counter set expires_at = now() - interval '1 second' where key = $1`, [
    `test:${key}`,
  ]);
  expect((await consume()).left).toBe(4);
});
