import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#runtime/id.ts';
import { openReceiptProcessor } from '#webhooks/process-receipts.ts';
import { messageBody } from '#testing/whatsapp-load.ts';
import { operationGroups } from './contract/document.ts';
import { openCheckedClient, type ApiDocument } from './testing/checked-client.ts';
import { mountedRoutes } from './testing/mounted-routes.ts';
import { makeUser, openClient, PASSWORD, type SendRequest } from './testing/people.ts';
import { openSender, WHATSAPP_PATH } from './testing/sending.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { startIngress, type StartedIngress } from './testing/start-ingress.ts';

const SECRET = 'a-webhook-secret-of-this-test-only';
const METRICS_TOKEN = 'a-metrics-token-of-this-test-only';
const NEW_PASSWORD = 'seven green kites over one lake';
/** A download needs a scanner and a reset link a shell; their own tests look at those answers. */
const SEEN_ELSEWHERE = ['uploadContent 200', 'uploadContent 206', 'resetPassword 204', 'readyz 503', 'metrics 403'];
/** The console is not always built. */
const NEEDS_CONSOLE = ['consolePage 200', 'consoleAsset 200'];

let database: TestDatabase;
let ingress: StartedIngress;
let document: ApiDocument;
let call: SendRequest;
const seen = new Set<string>();

beforeAll(async () => {
  database = await openTestDatabase();
  ingress = await startIngress({
    DATABASE_URL: database.url,
    TRUST_PROXY: '127.0.0.1/32',
    WHATSAPP_APP_SECRET: SECRET,
    WHATSAPP_VERIFY_TOKEN: 'verify-me-please-now',
    METRICS_TOKEN,
  });
  const send = openClient(ingress.origin);
  document = (await send('/api/openapi.json')).body;
  call = openCheckedClient(document, send, seen);
});
afterAll(async () => {
  await ingress?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function signIn(email: string, password = PASSWORD) {
  return (await call('/api/auth/login', { body: { email, password } })).body;
}

describe('the description of the API and the server', () => {
  it('have the same routes', () => {
    const described = operationGroups
      .filter(({ isRouted }) => isRouted)
      .flatMap(({ operations }) => operations.map(({ method, path }) => `${method} ${path}`));
    expect(mountedRoutes(ingress.app)).toEqual(described.sort());
  });

  it('agree on sign-in, sessions and the own account', async () => {
    await makeUser(database.pool, { email: 'user@example.com' });
    const cookies = await call('/api/auth/login?mode=cookie', {
      body: { email: 'user@example.com', password: PASSWORD },
      headers: { origin: 'http://evil.example' },
    });
    expect(cookies.status).toBe(403);
    const first = await signIn('user@example.com');
    const { accessToken: token, refreshToken } = await signIn('user@example.com');
    await call('/api/auth/refresh', { body: { refreshToken } });
    await call('/api/auth/refresh', { body: {} });
    await call('/api/auth/refresh', { body: { refreshToken: 'garbage' } });
    await call('/api/auth/login', { body: { email: 'user@example.com', password: 'not the right password' } });
    await call('/api/auth/login', { body: { email: 7 } });
    await call('/api/auth/login', { body: 'no json' });
    await call('/api/auth/login', { body: 'email=a', headers: { 'content-type': 'text/plain' } });
    await call('/api/auth/me', { token });
    await call('/api/auth/me');
    await call('/api/auth/me', { token: 'garbage' });
    await call('/api/sessions?limit=1', { token });
    await call('/api/sessions?limit=x', { token });
    await call(`/api/sessions/${first.refreshToken.split('.')[2]}`, { method: 'DELETE', token });
    await call(`/api/sessions/${newId()}`, { method: 'DELETE', token });
    await call('/api/auth/step-up', { token, body: { password: PASSWORD } });
    await call('/api/auth/step-up', { token, body: { password: 'not the right password' } });
    await call('/api/auth/password', { token, body: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD } });
    await call('/api/auth/reset', { body: { token: 'garbage', newPassword: NEW_PASSWORD } });
    const again = await signIn('user@example.com', NEW_PASSWORD);
    await call('/api/sessions/terminate-others', { method: 'POST', token: again.accessToken });
    await call('/api/auth/logout-all', { method: 'POST', token: again.accessToken });
    const last = await signIn('user@example.com', NEW_PASSWORD);
    await call('/api/auth/logout', { body: { refreshToken: last.refreshToken } });
    await call('/api/auth/csrf');
    const jwks = await call('/.well-known/jwks.json');
    await call('/.well-known/jwks.json', { headers: { 'if-none-match': String(jwks.headers.get('etag')) } });
  });

  it('agree on the cookies of a browser', async () => {
    const headers = { origin: 'http://localhost:5173' };
    const body = { email: 'user@example.com', password: NEW_PASSWORD };
    const login = await call('/api/auth/login?mode=cookie', { body, headers });
    const cookie = login.headers
      .getSetCookie()
      .map((each) => each.split(';', 1)[0])
      .join('; ');
    const { csrfToken } = (await call('/api/auth/csrf', { headers: { cookie } })).body;
    const refreshed = await call('/api/auth/refresh', {
      body: {},
      headers: { ...headers, cookie: `${cookie}; __Host-csrf=${csrfToken}`, 'x-csrf-token': csrfToken },
    });
    expect(refreshed.body).not.toHaveProperty('refreshToken');
  });

  it('agree on uploads', async () => {
    const { accessToken: token } = await signIn('user@example.com', NEW_PASSWORD);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="a.txt"',
    };
    const { id } = (await call('/api/attachments/ticket-1', { token, body: 'hello', headers })).body;
    await call('/api/attachments/ticket-1', { token, body: 'hello', headers: { ...headers, 'repr-digest': 'x' } });
    await call('/api/attachments/ticket-1', {
      token,
      body: 'hello',
      headers: { 'content-type': headers['content-type'] },
    });
    await call('/api/attachments/ticket-1', { token });
    await call('/api/uploads', { token });
    const status = await call(`/api/uploads/${id}`, { token });
    await call(`/api/uploads/${id}`, { token, headers: { 'if-none-match': String(status.headers.get('etag')) } });
    await call(`/api/uploads/${id}/content`, { token });
    await call(`/api/uploads/${newId()}`, { token });
    expect((await call(`/api/uploads/${id}`, { method: 'DELETE', token })).status).toBe(204);
  });

  it('agree on webhooks and their receipts', async () => {
    const message = messageBody('wamid.contract');
    const sender = openSender(1);
    const sent = await sender.post(ingress.origin, message, SECRET);
    sender.close();
    expect(sent.status).toBe(200);
    seen.add('takeWhatsApp 200');
    await call(WHATSAPP_PATH, { body: message });
    await call('/api/wooalerts-webhook', { body: message });
    await call('/api/webhooks/shop', { body: message });
    await call('/api/webhooks/shop');
    const challenge = 'hub.mode=subscribe&hub.verify_token=verify-me-please-now&hub.challenge=12345';
    await call(`${WHATSAPP_PATH}?${challenge}`);

    await makeUser(database.pool, { email: 'admin@example.com', role: 'admin' });
    const { accessToken: token } = await signIn('admin@example.com');
    const { items } = (await call('/api/webhook-logs?verdict=accepted', { token })).body;
    await call('/api/webhook-logs', { token });
    const { id } = items[0];
    await openReceiptProcessor({ pool: database.pool, wants: () => true, onEvents: () => undefined }).process(id);
    for (const query of ['', '?reveal=true']) {
      await call(`/api/webhook-logs/${id}${query}`, { token });
      await call(`/api/webhook-logs/${id}/events${query}`, { token });
    }
    await call(`/api/webhook-logs/${newId()}`, { token });
    await call('/api/webhook-logs/replay', { token, body: { filter: {} } });
    await call(`/api/webhook-logs/${id}/replay`, { token, method: 'POST' });
    await database.pool.query("update webhook_event set state = 'done', closed_at = now()");
    expect((await call(`/api/webhook-logs/${id}/replay`, { token, method: 'POST' })).text).toBe('');
    const received = (await call(`/api/webhook-logs/${id}/events`, { token })).body.items[0];
    await call(`/api/webhook-events/${received.id}/replay`, { token, method: 'POST' });
    await call(`/api/webhook-events/${newId()}/replay`, { token, method: 'POST' });
    await database.pool.query(
      "update webhook_event set receipt_id = null, source = 'uploads', state = 'dead' where id = $1",
      [received.id],
    );
    const own = (await call('/api/webhook-events?state=dead', { token })).body.items[0];
    expect((await call(`/api/webhook-events/${own.id}/replay`, { token, method: 'POST' })).text).toBe('');
  });

  it('agree on what admins do', async () => {
    const { accessToken: token } = await signIn('admin@example.com');
    const user = { email: 'made@example.com', name: 'Made', role: 'user' };
    const { id } = (await call('/api/users', { token, body: user })).body;
    await call('/api/users', { token, body: user });
    await call('/api/users', { token });
    await call(`/api/users/${id}`, { method: 'PATCH', token, body: { disabled: true } });
    await call(`/api/users/${newId()}`, { method: 'PATCH', token, body: { disabled: true } });
    await call(`/api/users/${id}/sessions`, { token });
    await call(`/api/users/${id}/sessions`, { method: 'DELETE', token });
    const made = (await call('/api/tokens', { token, body: { name: 'one', scopes: ['users:read'] } })).body;
    await call('/api/users', { token: made.token });
    await call('/api/overview', { token: made.token });
    await call('/api/tokens', { token });
    await call(`/api/tokens/${made.id}`, { method: 'DELETE', token });
    await call('/api/overview', { token });
    await call('/api/security-events', { token });
    await call('/api/security-events/summary', { token });
    await call('/api/security-events/chain', { token });
    const { accessToken } = await signIn('user@example.com', NEW_PASSWORD);
    expect((await call('/api/overview', { token: accessToken })).status).toBe(403);
  });

  it('agree on health, pages and reports', async () => {
    await call('/livez');
    await call('/readyz', { token: METRICS_TOKEN });
    await call('/metrics', { token: METRICS_TOKEN });
    await call('/');
    await call('/console');
    await call('/console/overview');
    await call('/console/assets/nothing.js');
    await call('/api/csp-reports', {
      body: { 'csp-report': { 'violated-directive': 'script-src', 'blocked-uri': 'inline' } },
      headers: { 'content-type': 'application/csp-report' },
    });
    expect((await call('/api/openapi.json')).body).toEqual(document);
  });

  it('were compared in every answer that is no failure', () => {
    const described = operationGroups.flatMap(({ operations }) =>
      operations.flatMap(({ id, answers }) => Object.keys(answers).map((status) => `${id} ${status}`)),
    );
    const isUnset = (each: string): boolean => /^(takeWooAlerts|takeWebhook|answerWebhook) /.test(each);
    const due = described.filter(
      (each) => !SEEN_ELSEWHERE.includes(each) && !NEEDS_CONSOLE.includes(each) && !isUnset(each),
    );
    expect(due.filter((each) => !seen.has(each))).toEqual([]);
  });
});
