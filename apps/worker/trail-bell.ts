import { isFailure } from '#runtime/failure.ts';

/** What was rung for and is not done by then is done without the queue. */
const PATIENCE_MS = 5_000;

export interface TrailBellParts {
  /** Whether there are events without a seal. */
  isDue: () => Promise<boolean>;
  /** @throws Failure `queue-unavailable` */
  ring: () => Promise<void>;
  /** Does what the job would do. */
  tend: (signal: AbortSignal) => Promise<void>;
  now?: () => number;
}

export interface TrailBell {
  tick: (signal: AbortSignal) => Promise<void>;
}

/** Rings for the sealer while there is something to seal; seals without the queue where that does not help. */
export function openTrailBell({ isDue, ring, tend, now = Date.now }: TrailBellParts): TrailBell {
  let dueSinceMs: number | undefined;
  return {
    async tick(signal) {
      if (!(await isDue())) {
        dueSinceMs = undefined;
        return;
      }
      dueSinceMs ??= now();
      if (now() - dueSinceMs >= PATIENCE_MS || !(await rings(ring))) await tend(signal);
    },
  };
}

async function rings(ring: () => Promise<void>): Promise<boolean> {
  try {
    await ring();
    return true;
  } catch (error) {
    if (isFailure(error, 'queue-unavailable')) return false;
    throw error;
  }
}
