import { createServer } from 'node:http';
import { Router, type RequestHandler } from 'express';
import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { openClientAddressOf } from '../../apps/ingress/client.ts';
import { apiHeaders } from '../../apps/ingress/headers.ts';
import { buildIngress } from '../../apps/ingress/ingress.ts';
import { dynamicRateLimiter, openCharge } from '../../apps/ingress/limit.ts';
import { openLimitMetrics } from '../../apps/ingress/limit-metrics.ts';
import { openDynamicLimiter } from '../../libs/limits/dynamic-limiter.ts';
import { openLimiter } from '../../libs/limits/limiter.ts';
import { openReputations } from '../../libs/limits/reputation.ts';
import { openRedis, whenReady } from '../../libs/redis/client.ts';
import { openLog } from '../../libs/runtime/log.ts';
import { expressRateLimit } from '../peers/express-rate-limit.mjs';

const { PORT = '', LIMITER = 'none', REDIS_URL } = process.env;

/** A user's quota, which a thousand clients do not use up in a run. */
const POINTS = 3_000;
const WINDOW_SECONDS = 60;
const clientAddressOf = openClientAddressOf(['127.0.0.0/8'], () => undefined);

async function ours(): Promise<RequestHandler> {
  const redis =
    REDIS_URL === undefined
      ? undefined
      : openRedis(REDIS_URL, { role: 'limits', name: 'bench', onError: (error) => console.error(error.message) });
  if (redis !== undefined) await whenReady(redis);
  const limiter = openLimiter({ redis, onAway: (isAway) => console.error(`redis is ${isAway ? 'away' : 'back'}`) });
  const dynamic = openDynamicLimiter({ limiter, load: { factor: 1 }, reputations: openReputations() });
  const { decided } = openLimitMetrics(new Registry(), () => 1);
  const charge = openCharge({ dynamic, clientAddressOf, observe: { decided, hit: () => undefined } });
  const policy = { name: 'user', points: POINTS, windowSeconds: WINDOW_SECONDS };
  return dynamicRateLimiter(charge, { policy });
}

function theirs(): RequestHandler {
  const redis = REDIS_URL === undefined ? undefined : new Redis(REDIS_URL);
  return expressRateLimit({ points: POINTS, windowSeconds: WINDOW_SECONDS, redis, addressOf: clientAddressOf });
}

const router = Router();
const limit: RequestHandler[] = LIMITER === 'none' ? [] : [LIMITER === 'ours' ? await ours() : theirs()];
router.get('/limited', ...limit, (_request, response) => {
  response.json({ items: [], nextCursor: null });
});
const app = buildIngress({
  headers: apiHeaders({ secure: true }),
  routers: [router],
  log: openLog({ name: 'bench', level: 'warn' }),
});
createServer(app).listen(Number(PORT), '127.0.0.1');
