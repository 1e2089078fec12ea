import { hashSync } from '@node-rs/bcrypt';
import { beforeAll, describe, expect, it } from 'vitest';
import { effort, limitFor } from '#testing/effort.ts';
import { makeUser, openClient, PASSWORD, randomAddress } from '../testing/people.ts';
import { useTwoIngresses } from '../testing/two-ingresses.ts';

/** Takes a minute and a quiet machine: in the full run only. */
const SAMPLES = 200;
const isFullRun = effort(1, 10) >= 10;
const ROUNDS = 3;
const MAX_Z = 2.576; // p = 0.01, two-sided

const states = ['known', 'unknown', 'disabled', 'without a password', 'imported'] as const;
/** Dearer than ours. */
const IMPORTED = hashSync(PASSWORD, 9);
type State = (typeof states)[number] | 'locked' | 'locked unknown';

const ingresses = useTwoIngresses();
/** Each account takes five failures. */
const WARM_UP = 30;
const ACCOUNTS = Math.ceil((SAMPLES * ROUNDS + WARM_UP) / 5) + 2;
const addressOf = (state: State, index: number): string => `${state.replaceAll(' ', '-')}-${index}@example.com`;

describe.runIf(isFullRun)('how long a failed sign-in takes', () => {
  beforeAll(async () => {
    const { pool } = ingresses.database;
    const { id } = await makeUser(pool, { email: 'template@example.com' });
    for (const state of ['known', 'disabled', 'without a password', 'imported', 'locked'] as const) {
      await pool.query(
        `insert into app_user (id, email, name, role, password_hash, disabled_at)
         select gen_random_uuid(), replace($2, '#', n::text), 'X', 'user',
           case when $3 then null else coalesce($6, password_hash) end, case when $4 then now() end
         from app_user, generate_series(0, $5::int) n where id = $1`,
        [
          id,
          addressOf(state, 0).replace('-0@', '-#@'),
          state === 'without a password',
          state === 'disabled',
          ACCOUNTS,
          state === 'imported' ? IMPORTED : null,
        ],
      );
    }
    // The process learns from them how long an answer must take.
    for (let time = 0; time < WARM_UP; time += 1) await timeOf('imported', ACCOUNTS - Math.floor(time / 5), 401);
    await keepCalm(WARM_UP);
  }, 60_000);

  /** Where four of five sign-ins fail, the limits get tight: so some succeed, as in life. */
  async function keepCalm(failures: number): Promise<void> {
    const send = openClient(ingresses.first.origin, randomAddress());
    for (let time = 0; time < Math.ceil(failures / 3); time += 1) {
      const body = { email: 'template@example.com', password: PASSWORD };
      expect((await send('/api/auth/login', { body })).status).toBe(200);
    }
  }

  async function timeOf(state: State, index: number, expected: number): Promise<number> {
    const send = openClient(ingresses.first.origin, randomAddress());
    const body = { email: addressOf(state, index), password: `${PASSWORD} wrong` };
    const startedMs = performance.now();
    const { status } = await send('/api/auth/login', { body });
    const tookMs = performance.now() - startedMs;
    expect(status).toBe(expected);
    return tookMs;
  }

  it(
    'does not tell a known account from an unknown, disabled, password-less or imported one',
    async () => {
      const suspicious = new Map<State, number[]>();
      for (let round = 0; round < ROUNDS; round += 1) {
        const samples = new Map<State, number[]>(states.map((state) => [state, []]));
        for (let sample = 0; sample < SAMPLES; sample += 1) {
          const index = Math.floor((round * SAMPLES + sample) / 5);
          for (const state of shuffled(states)) samples.get(state)?.push(await timeOf(state, index, 401));
          await keepCalm(states.length);
        }
        for (const state of states.slice(1)) {
          const z = mannWhitney(samples.get('known') ?? [], samples.get(state) ?? []);
          suspicious.set(state, [...(suspicious.get(state) ?? []), z]);
        }
      }
      // One round in a hundred is beyond by chance; one account in a thousand would be in two of three, in the same direction.
      for (const [state, zs] of suspicious) {
        const beyond = zs.filter((z) => Math.abs(z) > MAX_Z && Math.sign(z) === Math.sign(zs[0] ?? 0));
        expect(beyond.length, `${state}: z of each round ${zs.map((z) => z.toFixed(2)).join(', ')}`).toBeLessThan(
          ROUNDS,
        );
      }
    },
    limitFor(600_000),
  );

  it('does not tell a locked account from an unknown one that was tried as often', async () => {
    for (const state of ['locked', 'locked unknown'] as const) {
      for (let time = 0; time < 5; time += 1) await timeOf(state, 0, 401);
    }
    const samples = { locked: [] as number[], unknown: [] as number[] };
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      samples.locked.push(await timeOf('locked', 0, 429));
      samples.unknown.push(await timeOf('locked unknown', 0, 429));
    }
    expect(Math.abs(mannWhitney(samples.locked, samples.unknown))).toBeLessThan(4);
  }, 60_000);
});

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((one, other) => one.order - other.order)
    .map(({ item }) => item);
}

/** The z score of the rank-sum test: how far apart two samples lie, in standard deviations of chance. */
function mannWhitney(one: readonly number[], other: readonly number[]): number {
  const ranked = [...one.map((value) => ({ value, isOne: true })), ...other.map((value) => ({ value, isOne: false }))];
  ranked.sort((left, right) => left.value - right.value);
  const rankSum = ranked.reduce((sum, { isOne }, index) => (isOne ? sum + index + 1 : sum), 0);
  const [n1, n2] = [one.length, other.length];
  const u = rankSum - (n1 * (n1 + 1)) / 2;
  return (u - (n1 * n2) / 2) / Math.sqrt((n1 * n2 * (n1 + n2 + 1)) / 12);
}
