import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { issueReset } from '#access/reset-password.ts';
import { createApiToken } from '#access/api-tokens.ts';
import { signIn } from '#access/sign-in.ts';
import { sweepAccess } from '#access/sweep-access.ts';
import { createUser } from '#access/users.ts';
import type { Queryable } from '#database/pool.ts';
import { consumeDurable, sweepDurableCounters } from '#limits/durable-counter.ts';
import { openTestAccess, TEST_PASSWORD, testClient, type TestAccess } from '#testing/access.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { effort } from '#testing/effort.ts';

const never = new AbortController().signal;
const SYSTEM = { actorKind: 'system' } as const;

let database: TestDatabase;
let access: TestAccess;
let userId: string;
beforeAll(async () => {
  database = await openTestDatabase();
  access = openTestAccess(database.pool, { sessionsPerUser: 1_000 });
  const given = { email: 'swept@example.com', name: 'Swept', role: 'user', password: TEST_PASSWORD } as const;
  userId = (await createUser(access, given, SYSTEM)).id;
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const login = async (): Promise<string> =>
  (await signIn(access, { email: 'swept@example.com', password: TEST_PASSWORD, client: testClient })).sessionId;
const set = (sessionId: string, column: string, ago: string) =>
  database.pool.query(`update refresh_token set ${column} = now() - $2::interval where session_id = $1`, [
    sessionId,
    ago,
  ]);
const count = async (table: string): Promise<number> =>
  (await database.pool.query<{ count: number }>(`select count(*)::int as count from ${table}`)).rows[0]?.count ?? 0;

describe('the sweep', () => {
  it('removes what was over for a week, and nothing else', async () => {
    const [live, idle, justExpired, justEnded, expired, ended] = [
      await login(),
      await login(),
      await login(),
      await login(),
      await login(),
      await login(),
    ];
    await set(idle, 'idle_expires_at', '30 days');
    await set(justExpired, 'absolute_expires_at', '6 days');
    await set(justEnded, 'ended_at', '6 days');
    await set(expired, 'absolute_expires_at', '8 days');
    await set(ended, 'ended_at', '8 days');
    expect(await sweepAccess(database.pool, never)).toBe(2);
    expect(await sweepAccess(database.pool, never)).toBe(0);
    const { rows } = await database.pool.query('select session_id from refresh_token order by session_id');
    expect(rows.map(({ session_id: id }) => id)).toEqual([live, idle, justExpired, justEnded].toSorted());
    expect(await count('user_session')).toBe(4);
  });

  it('removes old links, API tokens and keys', async () => {
    await issueReset(access, { userId, actor: SYSTEM });
    const given = { userId, name: 'x', scopes: ['users:read'], lifeSeconds: 3_600 } as const;
    await createApiToken(access, given, SYSTEM);
    const kept = await createApiToken(access, given, SYSTEM);
    await database.pool.query(`update password_reset set expires_at = now() - interval '8 days'`);
    await database.pool.query(`update api_token set ended_at = now() - interval '8 days' where id <> $1`, [
      kept.apiToken.id,
    ]);
    await database.pool.query(
      `insert into signing_key (id, algorithm, public_key, sealed_private_key, secret_id, signs_from, verifies_until)
       values ('old', 'EdDSA', '{}', '', '', now(), now() - interval '8 days'), ('current', 'EdDSA', '{}', '', '', now(), null)`,
    );
    expect(await sweepAccess(database.pool, never)).toBe(3);
    expect([await count('password_reset'), await count('api_token'), await count('signing_key')]).toEqual([0, 1, 1]);
  });

  it('stops at a signal, between two batches', async () => {
    await set(await login(), 'ended_at', '8 days');
    expect(await sweepAccess(database.pool, AbortSignal.abort())).toBe(0);
    expect(await sweepAccess(database.pool, never)).toBe(1);
  });
});

/** What a refresh does with the row of a session. */
const use = (sessionId: string) =>
  database.pool.query('update refresh_token set last_used_at = now() where session_id = $1', [sessionId]);

/** Tells how many rows each statement has removed. */
function watched(client: Queryable, onRemoved: (rows: number) => void): Queryable {
  const query = async (text: string, values?: unknown[]) => {
    const result = await client.query(text, values);
    onRemoved(result.rows[0]?.removed);
    return result;
  };
  return { query } as unknown as Queryable;
}

describe('many sessions', () => {
  /** A million in the full run. */
  const SESSIONS = effort(1, 10) < 10 ? 4_000 : 1_000_000;

  const SEEDED_AT_ONCE = 10_000;
  const seed = (sessions: number) =>
    database.pool.query(
      `with session as (
         insert into user_session (id, user_id, created_at, authenticated_at, method, device_label, address_prefix)
         select gen_random_uuid(), owners[1 + n % 1000], now(), now(), 'password', 'x', '198.18.0.1/32'
         from generate_series(1, $1::int) n, (select array_agg(id) as owners from app_user where role = 'agent') o
         returning id, user_id
       )
       insert into refresh_token (session_id, user_id, current_hash, device_hash, idle_seconds, last_used_at,
         idle_expires_at, absolute_expires_at)
       select id, user_id, sha256(id::text::bytea), '', 60, now(), now(), now() - interval '8 days' from session`,
      [sessions],
    );

  /** Of the million, one statement takes no more than this, and holds their locks no longer than it needs for them. */
  const MAX_BATCH = 1_000;

  beforeAll(async () => {
    await database.pool.query(
      `insert into app_user (id, email, name, role)
       select gen_random_uuid(), 'owner-' || n || '@example.com', 'X', 'agent' from generate_series(1, 1000) n`,
    );
  });

  it('are swept by two workers at once, a few at a time, and no live session is lost', async () => {
    for (let made = 0; made < SESSIONS; made += SEEDED_AT_ONCE) await seed(Math.min(SEEDED_AT_ONCE, SESSIONS - made));
    const live = await login();
    const before = await count('user_session');
    const done = new AbortController();
    let signIns = 0;
    const goOn = async (): Promise<void> => {
      while (!done.signal.aborted) {
        await use(live);
        await login();
        signIns += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const goingOn = goOn();
    const batches: number[] = [];
    const worker = (): Promise<number> =>
      sweepAccess(
        watched(database.pool, (rows) => batches.push(rows)),
        never,
      );
    const [one, other] = await Promise.all([worker(), worker()]);
    done.abort();
    await goingOn;
    expect(one + other).toBe(SESSIONS);
    expect(Math.max(...batches)).toBeLessThanOrEqual(MAX_BATCH);
    expect(await count('user_session')).toBe(before - SESSIONS + signIns);
  }, 900_000);

  it('that are being removed keep nobody waiting: no sign-in, no refresh, no other worker', async () => {
    const live = await login();
    for (let own = 0; own < 3; own += 1) await set(await login(), 'absolute_expires_at', '9 days');
    await seed(250);
    const worker = await database.pool.connect();
    onTestFinished(() => worker.release(true));
    await worker.query('begin');
    const one = new AbortController();
    // Told to stop after its first statement, whose locks it holds until the commit.
    const removed = await sweepAccess(
      watched(worker, () => one.abort()),
      one.signal,
    );
    expect(removed).toBe(100);
    // Whatever waited for one of them would wait for ever.
    await use(live);
    await login();
    expect(await sweepAccess(database.pool, never)).toBe(153);
    await worker.query('commit');
    expect(await sweepAccess(database.pool, never)).toBe(0);
  });
});

it('counters are swept when their window is over', async () => {
  const policy = { name: 'test', points: 1, windowSeconds: 60 };
  await consumeDurable(database.pool, policy, 'over');
  await database.pool.query(`update limiter_counter set expires_at = now() - interval '1 second'`);
  await consumeDurable(database.pool, policy, 'running');
  expect(await sweepDurableCounters(database.pool, never)).toBe(1);
  await expect(consumeDurable(database.pool, policy, 'running')).rejects.toMatchObject({ code: 'limit-exceeded' });
});
