import { Router } from 'express';
import { ownUserOf } from '../../libs/access/users.ts';
import { openPool } from '../../libs/database/pool.ts';
import { listen } from '../../libs/runtime/http-server.ts';
import { openLog } from '../../libs/runtime/log.ts';
import { apiHeaders } from '../../apps/ingress/headers.ts';
import { buildIngress } from '../../apps/ingress/ingress.ts';

const { PORT = '', DATABASE_URL = '' } = process.env;

/** `GET /api/auth/me` as the ingress has it, but of a user that the request names, and nobody asks who calls. */
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
const app = buildIngress({
  headers: apiHeaders({ secure: false }),
  routers: [router],
  log: openLog({ name: 'bench', level: 'warn' }),
});
await listen(app, { host: '127.0.0.1', port: Number(PORT), setting: 'PORT' });
