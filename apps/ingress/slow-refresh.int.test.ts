import { expect, it, onTestFinished } from 'vitest';
import { createClient } from '#client/create-client.ts';
import { openPlatform } from '#client/platform.ts';
import { openProxy } from '#testing/proxy.ts';
import { makeUser, PASSWORD } from './testing/people.ts';
import { useTwoIngresses } from './testing/two-ingresses.ts';

/** The client's times pass so much faster, and the server's grace is as much shorter than its 30 s. */
const FASTER = 10;
const HOUR_MS = 3_600_000;
const ingresses = useTwoIngresses({ REFRESH_GRACE: String(30 / FASTER) });

it.concurrent.each([12, 19, 25, 40])('a device stays signed in when every answer takes %i s', async (seconds) => {
  const { database, first } = ingresses;
  const proxy = await openProxy(first.origin);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const platform = openPlatform();
  const startedAt = platform.now();
  let skippedMs = 0;
  const client = createClient({
    baseUrl: proxy.through(first.origin),
    mode: 'bearer',
    platform: {
      ...platform,
      now: () => startedAt + (platform.now() - startedAt) * FASTER + skippedMs,
      after: (ms, run) => platform.after(ms / FASTER, run),
    },
  });
  const signOuts: string[] = [];
  client.on('signed-out', ({ reason }) => signOuts.push(reason));
  const email = `slow-${seconds}@example.com`;
  await makeUser(database.pool, { email });
  await client.login({ email, password: PASSWORD });

  proxy.lag((seconds * 1_000) / FASTER);
  for (let times = 0; times < 2; times += 1) {
    // Past the life of the access token.
    skippedMs += HOUR_MS;
    expect((await client.fetch('/api/auth/me')).status).toBe(200);
  }
  expect(signOuts).toEqual([]);
  const { rows } = await database.pool.query(
    'select generation, ended_at from refresh_token t join app_user u on u.id = t.user_id where email = $1',
    [email],
  );
  expect(rows).toEqual([{ generation: 2, ended_at: null }]);
});
