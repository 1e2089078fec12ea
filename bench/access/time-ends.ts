import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf, signIn, type Person } from './people.ts';

const LOOK_MS = 3;
const LIMIT_MS = 10_000;

/**
 * Milliseconds from the answer that ends a session on one process to the last answer that still let it in on another, which
 * had just seen it alive; 0 where it was never let in again.
 */
export async function timeEnds(ports: readonly [number, number], person: Person, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) times.push(await timeEnd(ports, person, 10_000 + n));
  return times;
}

async function timeEnd([first, second]: readonly [number, number], person: Person, n: number): Promise<number> {
  const { accessToken } = await signIn(first, person, addressOf(n));
  const headers = { authorization: `Bearer ${accessToken}` };
  const look = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${second}/api/auth/me`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  if ((await look()) !== 200) throw new Error('the session is not alive on the second process');
  const ended = await fetch(`http://127.0.0.1:${first}/api/auth/logout`, { method: 'POST', headers });
  if (ended.status !== 204) throw new Error(`logout: ${ended.status}`);
  const endedAt = performance.now();
  let lastIn = endedAt;
  while (performance.now() - endedAt < LIMIT_MS) {
    const askedAt = performance.now();
    if ((await look()) !== 200) return lastIn - endedAt;
    lastIn = askedAt;
    await sleep(LOOK_MS);
  }
  throw new Error('an ended session was still let in after 10 s');
}
