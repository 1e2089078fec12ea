import { audit } from '#audit/queue.ts';
import { isSealDue } from '#audit/trail-state.ts';
import type { Pool } from '#database/pool.ts';
import type { Producer } from '#queue/producer.ts';
import type { Log } from '#runtime/log.ts';
import { startTicker, type Ticker } from '#runtime/ticker.ts';
import type { Trail } from './open-trail.ts';
import { openTrailBell } from './trail-bell.ts';

const BELL_MS = 1_000;
const FORWARD_MS = 1_000;
const JUDGE_MS = 15_000;

export interface StartTrailParts {
  trail: Trail;
  pool: Pool;
  producer: Producer;
  log: Log;
  stack: AsyncDisposableStack;
}

/** The timers of the audit trail: they ring for the sealer, forward, and look for reasons to alert. */
export function startTrail({ trail, pool, producer, log, stack }: StartTrailParts): void {
  const bell = openTrailBell({
    isDue: () => isSealDue(pool),
    ring: () => producer.ring(audit, {}),
    tend: trail.tend,
  });
  const start = (periodMs: number, work: (signal: AbortSignal) => Promise<boolean | void>, trouble: string): Ticker =>
    stack.adopt(
      startTicker(periodMs, work, (error) => log.warn({ err: error }, trouble)),
      (ticker) => ticker.close(),
    );
  start(BELL_MS, (signal) => bell.tick(signal), 'security events could not be sealed; tried again at once');
  start(JUDGE_MS, trail.judge, 'alerts could not be judged');
  if (trail.receivers.length > 0) start(FORWARD_MS, trail.forward, 'security events could not be forwarded');
}
