import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';

const { PORT = '', QUEUE_URL = '' } = process.env;

/** express-session on Redis, as both packages document it; whoever signs in is believed. */
const client = createClient({ url: QUEUE_URL });
await client.connect();
const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.get('/livez', (_request, response) => response.end());
app.use(
  session({
    store: new RedisStore({ client }),
    secret: 'bench-secret-that-is-long-enough-0123456789',
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'strict', maxAge: 14 * 86_400_000 },
  }),
);
app.post('/login', (request, response) => {
  request.session.user = { id: '1', email: 'someone@example.com', name: 'Test Person' };
  response.json({ signedIn: true });
});
app.get('/me', (request, response) => {
  const { user } = request.session;
  if (user === undefined) {
    response.status(401).end();
    return;
  }
  response.set('cache-control', 'no-store').json(user);
});
/** A new id for the same session: what comes nearest to a rotated token. */
app.post('/refresh', (request, response, next) => {
  const { user } = request.session;
  if (user === undefined) {
    response.status(401).end();
    return;
  }
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = user;
    response.json({ refreshed: true });
  });
});
app.listen(Number(PORT), '127.0.0.1');
