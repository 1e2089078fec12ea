import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HeldTokens } from '#testing/chaos/chaos-client.ts';
import type { Ledger } from '#testing/chaos/ledger.ts';

/** The promise: a second after the answer that told of the end. The others are to see that it stays so. */
const PROBED_AFTER_MS = [1_000, 1_500, 3_000];
const ANSWER_LIMIT_MS = 5_000;

/** Tries with the tokens of a session that has just been ended to be let in, by every ingress. */
export async function probeEnded(
  { accessToken, refreshToken, id }: HeldTokens & { id: string },
  { origins, ledger }: { origins: readonly string[]; ledger: Ledger },
): Promise<void> {
  const endedAt = performance.now();
  for (const afterMs of PROBED_AFTER_MS) {
    await sleep(Math.max(0, endedAt + afterMs - performance.now()));
    await Promise.all(origins.map(probe));
  }

  async function probe(origin: string): Promise<void> {
    const askedMs = Math.round(performance.now() - endedAt);
    const refused = [
      ask(`${origin}/api/auth/me`, { headers: { ...address(), authorization: `Bearer ${accessToken}` } }),
      ask(`${origin}/api/auth/refresh`, {
        method: 'POST',
        headers: { ...address(), 'content-type': 'application/json' },
        body: JSON.stringify({ refreshToken }),
      }),
    ];
    for (const status of await Promise.all(refused)) {
      ledger.count(`ended session ${status ?? 'no answer'}`);
      if (status !== undefined && status < 300)
        ledger.violate(`session ${id} was let in by a request that was sent ${askedMs} ms after its end was answered`);
    }
  }
}

/** From everywhere, or a limit would answer instead. */
function address(): Record<string, string> {
  return { 'x-forwarded-for': `198.19.${randomInt(256)}.${randomInt(256)}` };
}

async function ask(url: string, init: RequestInit): Promise<number | undefined> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
