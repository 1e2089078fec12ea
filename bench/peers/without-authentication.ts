import { Router } from 'express';
import { ownUserOf } from '../../libs/access/users.ts';
import { openPool } from '../../libs/database/pool.ts';
import { openLocalLimiter } from '../../libs/limits/local-limiter.ts';
import { listen } from '../../libs/runtime/http-server.ts';
import { openLog } from '../../libs/runtime/log.ts';
import { openClientAddressOf } from '../../apps/ingress/client.ts';
import { allowOrigin } from '../../apps/ingress/cors.ts';
import { apiHeaders } from '../../apps/ingress/headers.ts';
import { buildIngress } from '../../apps/ingress/ingress.ts';
import { openLimitMetrics } from '../../apps/ingress/limit-metrics.ts';
import { openIngressMetrics } from '../../apps/ingress/metrics.ts';
import { limitRefusals } from '../../apps/ingress/refusal-limit.ts';

const { PORT = '', DATABASE_URL = '' } = process.env;

/**
 * `GET /api/auth/me` as the ingress has it, with what stands before all of its routes and counts them, but of a user that
 * the request names: nobody asks who calls, and nobody has a quota.
 */
const pool = openPool(DATABASE_URL, { name: 'bench', max: 10, onError: () => undefined });
const router = Router({ caseSensitive: true, strict: true });
router.get('/api/auth/me', async (request, response) => {
  const user = await ownUserOf(pool, request.get('x-user-id') ?? '');
  if (user === undefined) {
    response.status(404).end();
    return;
  }
  response.setHeader('cache-control', 'no-store');
  response.json(user);
});
const metrics = openIngressMetrics();
const clientAddressOf = openClientAddressOf(['127.0.0.1/32'], () => undefined);
const { decided } = openLimitMetrics(metrics.registry, () => 1);
const observe = { decided, hit: () => undefined };
const app = buildIngress({
  headers: apiHeaders({ secure: false }),
  guards: [
    allowOrigin('http://localhost:5173'),
    limitRefusals({ limiter: openLocalLimiter(), clientAddressOf, observe }),
  ],
  routers: [router],
  log: openLog({ name: 'bench', level: 'warn' }),
});
await listen(
  (request, response) => {
    metrics.observeHttp(request, response, performance.now());
    app(request, response);
  },
  { host: '127.0.0.1', port: Number(PORT), setting: 'PORT' },
);
