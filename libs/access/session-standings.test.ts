import { describe, expect, it } from 'vitest';
import type { Queryable } from '#database/pool.ts';
import { openSessionStandings } from '#access/session-standings.ts';

const A = '01930000-0000-7000-8000-00000000000a';
const B = '01930000-0000-7000-8000-00000000000b';

/** A database of live sessions that says what it was asked. */
function fakeDatabase(live: Set<string>) {
  const asked: string[][] = [];
  let gate: Promise<void> = Promise.resolve();
  let broken = false;
  const query = async ({ values }: { values: [string[]] }) => {
    asked.push([...values[0]]);
    // The rows are those of the moment of asking.
    const rows = values[0]
      .filter((id) => live.has(id))
      .map((id) => ({ session_id: id, user_id: 'u', role: 'user', authenticated_seconds: 1 }));
    await gate;
    if (broken) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
    return { rows };
  };
  return {
    pool: { query } as unknown as Queryable,
    asked,
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    breakDown: () => (broken = true),
  };
}

describe('the standing of a session', () => {
  it('is read once for all who ask at the same time, in one statement for all sessions', async () => {
    const { pool, asked } = fakeDatabase(new Set([A]));
    const standings = openSessionStandings({ pool });
    const answers = await Promise.all([standings.of(A), standings.of(B), standings.of(A)]);
    expect(answers.map((standing) => standing?.userId)).toEqual(['u', undefined, 'u']);
    expect(asked).toEqual([[A, B]]);
  });

  it('is kept for less than a second, counted from before the read', async () => {
    const live = new Set([A]);
    const { pool, asked, hold } = fakeDatabase(live);
    let nowMs = 0;
    const standings = openSessionStandings({ pool, maxAgeMs: 750, now: () => nowMs });
    const release = hold();
    const first = standings.of(A);
    await new Promise((resolve) => setImmediate(resolve));
    nowMs = 500;
    release();
    await first;
    nowMs = 749;
    expect(await standings.of(A)).toBeDefined();
    expect(asked).toHaveLength(1);
    live.delete(A);
    nowMs = 751;
    expect(await standings.of(A)).toBeUndefined();
  });

  it('is not that of a read that was under way when the session ended, for who asks a second later', async () => {
    const live = new Set([A]);
    const { pool, asked, hold } = fakeDatabase(live);
    let nowMs = 0;
    const standings = openSessionStandings({ pool, maxAgeMs: 750, now: () => nowMs });
    const release = hold();
    const before = standings.of(A);
    await new Promise((resolve) => setImmediate(resolve));
    live.delete(A);
    nowMs = 751;
    const after = standings.of(A);
    release();
    expect(await after).toBeUndefined();
    await before;
    expect(asked).toHaveLength(2);
    expect(await standings.of(A)).toBeUndefined();
  });

  it('is final once it is over', async () => {
    const live = new Set<string>();
    const { pool, asked } = fakeDatabase(live);
    const standings = openSessionStandings({ pool, maxAgeMs: 0 });
    expect(await standings.of(A)).toBeUndefined();
    live.add(A);
    expect(await standings.of(A)).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it('is over at once on the process that ended it, even if a read from before comes later', async () => {
    const { pool, hold } = fakeDatabase(new Set([A]));
    const standings = openSessionStandings({ pool });
    const release = hold();
    const reading = standings.of(A);
    await new Promise((resolve) => setImmediate(resolve));
    standings.end([A]);
    release();
    expect(await reading).toBeUndefined();
    expect(await standings.of(A)).toBeUndefined();
  });

  it('is nobody to be let in when the database is away and the last answer is old', async () => {
    const { pool, breakDown } = fakeDatabase(new Set([A]));
    let nowMs = 0;
    const standings = openSessionStandings({ pool, maxAgeMs: 750, now: () => nowMs });
    await standings.of(A);
    breakDown();
    nowMs = 800;
    await expect(standings.of(A)).rejects.toMatchObject({ code: 'database-unavailable' });
  });
});

it('tells open requests that their session has ended', async () => {
  const { pool } = fakeDatabase(new Set([A]));
  const standings = openSessionStandings({ pool });
  const closed = new AbortController();
  const ended = standings.watch(A, closed.signal);
  standings.end([A]);
  await expect.poll(() => ended.aborted, { timeout: 1_500 }).toBe(true);
});

it('watches no longer than the request is open', async () => {
  const { pool, asked } = fakeDatabase(new Set([A]));
  const standings = openSessionStandings({ pool, maxAgeMs: 0 });
  const closed = new AbortController();
  const ended = standings.watch(A, closed.signal);
  await expect.poll(() => asked.length, { timeout: 1_500 }).toBeGreaterThan(0);
  closed.abort();
  const before = asked.length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(asked.length).toBeLessThanOrEqual(before + 1);
  expect(ended.aborted).toBe(false);
});
