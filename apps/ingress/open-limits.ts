import { createHmac } from 'node:crypto';
import type { Coalescer } from '#audit/coalesce.ts';
import type { Pool } from '#database/pool.ts';
import { openDelays, type Delays } from '#limits/delays.ts';
import { openDynamicLimiter } from '#limits/dynamic-limiter.ts';
import { openFailureRatio } from '#limits/failure-ratio.ts';
import { openLimiter, type Limiter } from '#limits/limiter.ts';
import { openLocalLimiter, type LocalLimiter } from '#limits/local-limiter.ts';
import type { Load } from '#limits/load.ts';
import { openReputations } from '#limits/reputation.ts';
import { openSignInLimit, type SignInAlarm } from '#limits/sign-in-limit.ts';
import { limiterUrlOf, type Tiers } from '#limits/tiers.ts';
import { openErrorLog } from '#queue/error-log.ts';
import { openRedis, whenReady } from '#redis/client.ts';
import { settledWithin } from '#runtime/deadline.ts';
import type { Log } from '#runtime/log.ts';
import type { ClientAddressOf } from './client.ts';
import { openCharge, type ChargeRequest, type LimitObserver } from './limit.ts';
import type { LimitMetrics } from './limit-metrics.ts';

export interface LimitsConfig {
  SESSION_SECRET: readonly [string, ...string[]];
  REDIS_URL?: string | undefined;
  QUEUE_URL?: string | undefined;
  LIMITS_PER_MINUTE: Tiers;
  INGRESS_PROCESSES: number;
}

export interface OpenLimitsParts {
  config: LimitsConfig;
  stack: AsyncDisposableStack;
  log: Log;
  pool: Pool;
  load: Load;
  clientAddressOf: ClientAddressOf;
  coalescer: Pick<Coalescer, 'add'>;
  metrics: LimitMetrics;
}

/** Everything that decides how much a caller may do. */
export interface Limits {
  /** Of all processes, through Redis where there is one. */
  limiter: Limiter;
  /** Of this process, for what must not wait. */
  local: LocalLimiter;
  tiers: Tiers;
  charge: ChargeRequest;
  signIn: ReturnType<typeof openSignInLimit>;
  delays: Delays;
  observe: LimitObserver;
}

const REDIS_START_MS = 1_000;
/** Twenty wrong passwords an hour cost a network nothing; then it waits for 1, 2, 4, … seconds, at most a quarter of an hour. */
const PASSWORD_DELAY = { name: 'password-delay', free: 20, baseSeconds: 1, capSeconds: 900, memorySeconds: 3_600 };

export async function openLimits(parts: OpenLimitsParts): Promise<Limits> {
  const { config, stack, pool, load, clientAddressOf, coalescer, metrics } = parts;
  const limiter = stack.use(await openSharedLimiter(parts));
  const dynamic = openDynamicLimiter({ limiter, load, reputations: openReputations() });
  const observe: LimitObserver = {
    decided: metrics.decided,
    hit({ policy, addressPrefix, actorId }) {
      const actor =
        actorId === undefined ? { actorKind: 'anonymous' as const } : { actorKind: 'user' as const, actorId };
      coalescer.add({ type: 'limit.hit', ...actor, addressPrefix, details: { policy } });
    },
  };
  const onAlarm = (alarm: SignInAlarm): void => coalescer.add({ ...alarm, actorKind: 'anonymous' });
  const ratio = openFailureRatio({
    onHigh: ({ attempts, failures }) => onAlarm({ type: 'login.attacked', details: { attempts, failures } }),
  });
  return {
    limiter,
    local: openLocalLimiter(),
    tiers: config.LIMITS_PER_MINUTE,
    charge: openCharge({ dynamic, clientAddressOf, observe }),
    signIn: openSignInLimit({ pool, limiter, ratio, onAlarm }),
    delays: openDelays(limiter, PASSWORD_DELAY),
    observe,
  };
}

async function openSharedLimiter({ config, stack, log, metrics }: OpenLimitsParts): Promise<Limiter & Disposable> {
  const url = limiterUrlOf(config);
  if (url === undefined) return openLimiter();
  const redis = openRedis(url, { role: 'limits', name: 'limits', onError: openErrorLog(log, 'redis of the limits') });
  stack.defer(() => redis.disconnect());
  await settledWithin(REDIS_START_MS, whenReady(redis));
  const sayAway = openErrorLog(log, 'limits are counted by this process alone for now');
  const secret = Buffer.from(config.SESSION_SECRET[0]);
  return openLimiter({
    redis,
    hide: (key) => createHmac('sha256', secret).update(`limit\0${key}`).digest('base64url').slice(0, 22),
    processes: config.INGRESS_PROCESSES,
    onAway(isAway, error) {
      metrics.awayChanged(isAway);
      if (isAway) sayAway(error);
    },
  });
}
