import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node';
import express from 'express';
import { Pool } from 'pg';

const { PORT = '', DATABASE_URL = '', UPDATE_AGE = '86400', COOKIE_CACHE = 'no' } = process.env;

/** better-auth as its documentation sets it up on PostgreSQL; its limiter is off, because it is not what is measured. */
const auth = betterAuth({
  database: new Pool({ connectionString: DATABASE_URL, max: 10 }),
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: 'bench-secret-that-is-long-enough-0123456789',
  emailAndPassword: { enabled: true },
  session: {
    /** Seconds after which a session that is asked for is extended; 0: each time. */
    updateAge: Number(UPDATE_AGE),
    cookieCache: { enabled: COOKIE_CACHE === 'yes', maxAge: 300 },
  },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});
if (process.env.MIGRATE === 'yes') await (await getMigrations(auth.options)).runMigrations();

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.get('/me', async (request, response) => {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  if (session === null) {
    response.status(401).end();
    return;
  }
  const { id, email, name } = session.user;
  response.set('cache-control', 'no-store').json({ id, email, name });
});
app.all('/api/auth/{*path}', toNodeHandler(auth));
app.get('/livez', (_request, response) => response.end());
app.listen(Number(PORT), '127.0.0.1');
