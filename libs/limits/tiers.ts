import { z } from 'zod';
import type { DynamicPolicy } from '#limits/dynamic-limiter.ts';
import { isRedisUrl } from '#redis/address.ts';
import { redisUrl } from '#redis/settings.ts';
import { integer } from '#runtime/config.ts';

/** Who a caller is to the limits. `source` is a sender of webhooks, by the name of its source. */
export const TIERS = ['anonymous', 'user', 'agent', 'admin', 'token', 'source'] as const;
export type Tier = (typeof TIERS)[number];

/** Undefined is without a quota. */
export type Tiers = Readonly<Record<Tier, DynamicPolicy | undefined>>;

const WINDOW_SECONDS = 60;
const MAX_POINTS = 10_000_000;
const FORM = `must be points a minute such as user:3000,admin:6000; tiers: ${TIERS.join(', ')}; 0 is no limit, for source only`;

const defaults: Record<Tier, number> = {
  anonymous: 300,
  user: 3_000,
  agent: 6_000,
  admin: 6_000,
  token: 6_000,
  // A refused delivery may make the sender stop for good, and the journal has bounds of its own.
  source: 0,
};

/** Under load, strangers are shed first and admins never. */
const leastFactors: Record<Tier, number> = {
  anonymous: 0.25,
  user: 0.5,
  agent: 0.75,
  admin: 1,
  token: 0.25,
  source: 0.5,
};

export const limitSettings = {
  /** Redis for the limits' counters; QUEUE_URL if that is Redis. */
  REDIS_URL: redisUrl().optional(),
  /** Points a minute by tier: a reading request takes one, a writing one five. */
  LIMITS_PER_MINUTE: z
    .string()
    .optional()
    .transform((text, context) => {
      const points = text === undefined ? defaults : readPoints(text);
      if (points !== undefined) return tiersOf(points);
      context.addIssue({ code: 'custom', message: FORM });
      return z.NEVER;
    }),
  /** Ingress processes that share one Redis: each gives out its share of the sign-in limits while Redis is away. */
  INGRESS_PROCESSES: integer(1, 1_000).default(2),
};

function readPoints(text: string): Record<Tier, number> | undefined {
  const points = { ...defaults };
  for (const part of text.split(',')) {
    const [, name = '', value = ''] = /^([a-z]+):(\d{1,8})$/.exec(part.trim()) ?? [];
    const tier = TIERS.find((tier) => tier === name);
    const amount = Number(value);
    if (tier === undefined || value === '' || amount > MAX_POINTS || (amount === 0 && tier !== 'source'))
      return undefined;
    points[tier] = amount;
  }
  return points;
}

function tiersOf(points: Record<Tier, number>): Tiers {
  const policies = TIERS.map((tier): [Tier, DynamicPolicy | undefined] => [
    tier,
    points[tier] === 0
      ? undefined
      : { name: tier, points: points[tier], windowSeconds: WINDOW_SECONDS, leastFactor: leastFactors[tier] },
  ]);
  return Object.fromEntries(policies) as Tiers;
}

/** Where the counters live: undefined is in the process. */
export function limiterUrlOf(config: {
  REDIS_URL?: string | undefined;
  QUEUE_URL?: string | undefined;
}): string | undefined {
  if (config.REDIS_URL !== undefined) return config.REDIS_URL;
  return config.QUEUE_URL !== undefined && isRedisUrl(config.QUEUE_URL) ? config.QUEUE_URL : undefined;
}
