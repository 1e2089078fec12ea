import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changePassword } from '#access/change-password.ts';
import { endSession, endSessions } from '#access/end-session.ts';
import { refreshSession } from '#access/refresh-session.ts';
import { readRefreshToken } from '#access/refresh-token-text.ts';
import { signIn, type SignedIn } from '#access/sign-in.ts';
import { signOut } from '#access/sign-out.ts';
import { sweepAccess } from '#access/sweep-access.ts';
import { changeUser, createUser, type User } from '#access/users.ts';
import type { Role } from '#access/user.ts';
import { isFailure } from '#runtime/failure.ts';
import { openTestAccess, refreshText, TEST_PASSWORD, testClient, type TestAccess } from '#testing/access.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { effort, limitFor } from '#testing/effort.ts';

/** 500 in the full run. */
const RUNS = effort(50, 500);
const LIMIT_MS = limitFor(600_000);

let database: TestDatabase;
let access: TestAccess;
beforeAll(async () => {
  database = await openTestDatabase();
  access = openTestAccess(database.pool);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

let n = 0;
const SYSTEM = { actorKind: 'system' } as const;
const makeUser = (role: Role = 'user'): Promise<User> => {
  n += 1;
  const given = { email: `racer-${n}@example.com`, name: 'Racer', role, password: TEST_PASSWORD };
  return createUser(access, given, SYSTEM);
};
const login = (user: User, context = access): Promise<SignedIn> =>
  signIn(context, { email: user.email, password: TEST_PASSWORD, client: testClient });
const actorOf = (user: User) => ({ actorId: user.id, actorKind: 'user' }) as const;
const presented = (text: string) => readRefreshToken(access.keys, text)!;

/** Starts all at once, a little apart by chance, so that every order comes up. */
async function race(...runners: (() => Promise<unknown>)[]): Promise<unknown[]> {
  return Promise.all(
    runners.map(async (run) => {
      for (let turn = Math.floor(Math.random() * 6); turn > 0; turn -= 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      try {
        return await run();
      } catch (error) {
        if (isFailure(error)) return error.code;
        throw error;
      }
    }),
  );
}
const rowsOf = async (user: User) =>
  (
    await database.pool.query(
      `select r.session_id, r.ended_at, s.ended_at as session_ended_at, s.end_reason, r.generation, s.created_at,
         (r.ended_at is null and s.authenticated_at > u.sessions_not_before) as live
       from refresh_token r join user_session s on s.id = r.session_id join app_user u on u.id = s.user_id
       where s.user_id = $1 order by s.created_at`,
      [user.id],
    )
  ).rows;
const eventsOf = async (targetId: string, type: string): Promise<number> =>
  (
    await database.pool.query<{ count: number }>(
      'select count(*)::int as count from security_event where target_id = $1 and type = $2',
      [targetId, type],
    )
  ).rows[0]?.count ?? 0;

async function repeat(run: () => Promise<void>): Promise<void> {
  for (let time = 0; time < RUNS; time += 1) await run();
}

describe('refresh against', () => {
  it(
    'sign-out: never a live session afterwards, and exactly one end',
    async () => {
      const user = await makeUser();
      await repeat(async () => {
        const { sessionId, refreshToken } = await login(user);
        const end = { sessionId, userId: user.id, reason: 'logout', actor: actorOf(user) } as const;
        const [refreshed] = await race(
          () => refreshText(access, refreshToken),
          () => endSession(access, end),
        );
        const token =
          typeof refreshed === 'string' ? refreshToken : (refreshed as { refreshToken: string }).refreshToken;
        await expect(refreshText(access, token)).rejects.toMatchObject({ code: 'session-ended' });
        expect(await eventsOf(sessionId, 'session.ended')).toBe(1);
        expect(await eventsOf(sessionId, 'refresh.reused')).toBe(0);
      });
      for (const row of await rowsOf(user)) {
        expect(row.ended_at).not.toBeNull();
        expect(row.session_ended_at).not.toBeNull();
      }
    },
    LIMIT_MS,
  );

  it(
    'sign-out by the same refresh token: the session is over, and nobody is called a thief',
    async () => {
      const user = await makeUser();
      await repeat(async () => {
        const { sessionId, refreshToken } = await login(user);
        const [, out] = await race(
          () => refreshText(access, refreshToken),
          () => signOut(access, { presented: presented(refreshToken), client: testClient }),
        );
        expect(out).toBeUndefined();
        expect(await eventsOf(sessionId, 'session.ended')).toBe(1);
        expect(await eventsOf(sessionId, 'refresh.reused')).toBe(0);
      });
      expect((await rowsOf(user)).filter(({ live }) => live)).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'the same refresh: one successor for all',
    async () => {
      const user = await makeUser();
      await repeat(async () => {
        const { sessionId, refreshToken } = await login(user);
        const answers = await race(...Array.from({ length: 6 }, () => () => refreshText(access, refreshToken)));
        expect(new Set(answers.map((answer) => (answer as { refreshToken: string }).refreshToken)).size).toBe(1);
        expect((await rowsOf(user)).find(({ session_id }) => session_id === sessionId)).toMatchObject({
          generation: 1,
          live: true,
        });
      });
    },
    LIMIT_MS,
  );

  it(
    'a replay of its grandparent: the session ends once, and no token of it works',
    async () => {
      const user = await makeUser();
      await repeat(async () => {
        const { sessionId, refreshToken } = await login(user);
        const child = await refreshText(access, refreshToken);
        const current = await refreshText(access, child.refreshToken);
        const [refreshed] = await race(
          () => refreshText(access, current.refreshToken),
          () => refreshText(access, refreshToken),
          () => refreshText(access, refreshToken),
        );
        const last =
          typeof refreshed === 'string' ? current.refreshToken : (refreshed as { refreshToken: string }).refreshToken;
        await expect(refreshText(access, last)).rejects.toMatchObject({ code: 'session-ended' });
        expect(await eventsOf(sessionId, 'refresh.reused')).toBe(1);
      });
    },
    LIMIT_MS,
  );

  it(
    'the sweep: no live session is taken, and an expired one is never refreshed',
    async () => {
      const user = await makeUser();
      const never = new AbortController().signal;
      await repeat(async () => {
        const [live, expired] = [await login(user), await login(user)];
        await database.pool.query(
          `update refresh_token set absolute_expires_at = now() - interval '8 days' where session_id = $1`,
          [expired.sessionId],
        );
        const [fresh, stale] = await race(
          () => refreshText(access, live.refreshToken),
          () => refreshText(access, expired.refreshToken),
          () => sweepAccess(database.pool, never, { restMs: 0 }),
          () => sweepAccess(database.pool, never, { restMs: 0 }),
        );
        expect(fresh).toMatchObject({ outcome: 'rotated' });
        expect(['session-expired', 'session-ended']).toContain(stale);
        const ids = (await rowsOf(user)).map(({ session_id }) => session_id);
        expect(ids).toContain(live.sessionId);
        expect(ids).not.toContain(expired.sessionId);
      });
    },
    LIMIT_MS,
  );

  it(
    'a change of password: the other session is over whichever came first',
    async () => {
      await repeat(async () => {
        const user = await makeUser();
        const [kept, other] = [await login(user), await login(user)];
        const proof = { userId: user.id, sessionId: kept.sessionId, password: TEST_PASSWORD, client: testClient };
        const [refreshed] = await race(
          () => refreshText(access, other.refreshToken),
          () => changePassword(access, { ...proof, newPassword: 'a new and better password 1' }),
        );
        const token =
          typeof refreshed === 'string' ? other.refreshToken : (refreshed as { refreshToken: string }).refreshToken;
        await expect(refreshText(access, token)).rejects.toMatchObject({ code: 'session-ended' });
        expect(await refreshText(access, kept.refreshToken)).toMatchObject({ outcome: 'rotated' });
      });
    },
    LIMIT_MS,
  );
});

describe('sign-in against', () => {
  it(
    'ending the others: what was there before is over, what came after lives',
    async () => {
      const user = await makeUser();
      await repeat(async () => {
        const [current, before] = [await login(user), await login(user)];
        const others = {
          userId: user.id,
          exceptId: current.sessionId,
          reason: 'others-ended',
          actor: actorOf(user),
        } as const;
        const [fresh, count] = await race(
          () => login(user),
          () => endSessions(access, others),
        );
        const rows = await rowsOf(user);
        const of = (sessionId: string) => rows.find(({ session_id }) => session_id === sessionId);
        const late = of((fresh as SignedIn).sessionId);
        expect(of(current.sessionId)).toMatchObject({ live: true });
        expect(of(before.sessionId)).toMatchObject({ live: false, end_reason: 'others-ended' });
        expect(count).toBe(late.live ? 1 : 2);
        await endSessions(access, { userId: user.id, reason: 'logout-all', actor: actorOf(user) });
      });
    },
    LIMIT_MS,
  );

  it(
    'signing out everywhere: a session that lives on is younger than the not-before',
    async () => {
      const user = await makeUser();
      await repeat(async () => {
        await login(user);
        const [fresh] = await race(
          () => login(user),
          () => endSessions(access, { userId: user.id, reason: 'logout-all', actor: actorOf(user) }),
        );
        const row = (await rowsOf(user)).find(({ session_id }) => session_id === (fresh as SignedIn).sessionId);
        expect(row.live).toBe(row.ended_at === null);
        await endSessions(access, { userId: user.id, reason: 'logout-all', actor: actorOf(user) });
        expect((await rowsOf(user)).filter(({ live }) => live)).toEqual([]);
      });
    },
    LIMIT_MS,
  );

  it(
    'the cap: exactly as many live as may, the youngest, each end with its event',
    async () => {
      const capped = { ...access, sessionsPerUser: 3 };
      await repeat(async () => {
        const user = await makeUser();
        await race(...Array.from({ length: 5 }, () => () => login(user, capped)));
        const rows = await rowsOf(user);
        expect(rows.map(({ live }) => live)).toEqual([false, false, true, true, true]);
        for (const row of rows.filter(({ live }) => !live)) {
          expect(row.end_reason).toBe('cap');
          expect(await eventsOf(row.session_id, 'session.ended')).toBe(1);
        }
      });
    },
    LIMIT_MS,
  );

  it(
    'disabling: nobody is in afterwards',
    async () => {
      await repeat(async () => {
        const user = await makeUser();
        await race(
          () => login(user),
          () => changeUser(access, user.id, { disabled: true }, SYSTEM),
          () => login(user),
        );
        expect((await rowsOf(user)).filter(({ live }) => live)).toEqual([]);
        await expect(login(user)).rejects.toMatchObject({ code: 'login-failed' });
      });
    },
    LIMIT_MS,
  );

  it(
    'a change of password: a session that began with the old one is over',
    async () => {
      await repeat(async () => {
        const user = await makeUser();
        const { sessionId } = await login(user);
        const change = {
          userId: user.id,
          sessionId,
          password: TEST_PASSWORD,
          client: testClient,
          newPassword: 'a new and better password 1',
        };
        await race(
          () => login(user),
          () => changePassword(access, change),
        );
        expect((await rowsOf(user)).filter(({ live }) => live).map(({ session_id }) => session_id)).toEqual([
          sessionId,
        ]);
      });
    },
    LIMIT_MS,
  );
});

it(
  'two admins who disable each other leave one',
  async () => {
    await repeat(async () => {
      await database.pool.query(`update app_user set disabled_at = now() where role = 'admin' and disabled_at is null`);
      const [one, other] = [await makeUser('admin'), await makeUser('admin')];
      const answers = await race(
        () => changeUser(access, one.id, { disabled: true }, SYSTEM),
        () => changeUser(access, other.id, { role: 'user' }, SYSTEM),
      );
      expect(answers.filter((answer) => answer === 'admin-last')).toHaveLength(1);
    });
  },
  LIMIT_MS,
);

it('an event that can not be written undoes the act', async () => {
  const user = await makeUser();
  const { sessionId, refreshToken } = await login(user);
  const broken: TestAccess = {
    ...access,
    record: async (client) => {
      await client.query('select 1 from no_such_table');
    },
  };
  await refreshText(access, (await refreshText(access, refreshToken)).refreshToken);
  const old = presented(refreshToken);
  const replay = refreshSession(broken, { presented: old, client: testClient, waitedSeconds: () => 0 });
  await expect(replay).rejects.toThrow('no_such_table');
  const end = { sessionId, userId: user.id, reason: 'logout', actor: actorOf(user) } as const;
  await expect(endSession(broken, end)).rejects.toThrow('no_such_table');
  await expect(login(user, broken)).rejects.toThrow('no_such_table');
  expect(await rowsOf(user)).toMatchObject([{ live: true, end_reason: null }]);
});
