import { describe, expect, it } from 'vitest';
import { runChaos } from '#testing/chaos/run.ts';
import { effort } from '#testing/effort.ts';
import { hasRedis } from '#testing/redis.ts';

const LOAD = { seconds: effort(15, 120), rate: 40, uploadRate: 2, people: 2, faultSeconds: 1 };
/** Starting and ending a system, and work that a machine under load takes long for. */
const ALLOWANCE_MS = 240_000;

describe.each(['postgres', 'redis'] as const)(
  'while processes and stores are killed, with the queue on %s',
  (backend) => {
    it.skipIf(backend === 'redis' && !hasRedis())(
      'what was acknowledged is there and has taken effect, once',
      { timeout: LOAD.seconds * 1_000 + ALLOWANCE_MS },
      async () => {
        const seed = Math.floor(Date.now() / 86_400_000);
        const result = await runChaos({ backend, seed, ...LOAD, say: () => undefined });
        expect(result.acknowledged, `seed ${seed}`).toBeGreaterThan(100);
        expect(result, `seed ${seed}`).toMatchObject({ lost: 0, doubled: 0, phantom: 0, violations: [] });
      },
    );
  },
);
