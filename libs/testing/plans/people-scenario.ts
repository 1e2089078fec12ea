import { issueReset } from '#access/reset-password.ts';
import { ensureFirstAdmin } from '#access/first-admin.ts';
import { importUsers } from '#access/import-users.ts';
import type { ImportedUser } from '#access/imported-user.ts';
import { record } from '#audit/record.ts';
import { inTransaction } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import type { TestDatabase } from '#testing/database.ts';
import { messageBody, WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';
import { insertOwnEvents } from '#webhooks/insert-own-events.ts';
import { makeUser, openClient, PASSWORD, type SendRequest } from '../../../apps/ingress/testing/people.ts';
import { openSender } from '../../../apps/ingress/testing/sending.ts';

const NEW_PASSWORD = 'seven green kites over one lake';
const OCTETS = { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment; filename="a.txt"' };

const imported: ImportedUser = {
  email: 'imported@example.com',
  name: 'Imported',
  role: 'user',
  passwordHash: '$2b$10$abcdefghijklmnopqrstuuQeCVSeHvl9wHtqEvCQlIfuR3gQDQqX6',
  disabled: false,
};

interface Front {
  database: TestDatabase;
  origin: string;
}

/** What people ask of an ingress: sign-in and its end, each list with each filter on its first and its next page. */
export async function askAsPeople({ database, origin }: Front): Promise<void> {
  const send = openClient(origin);
  const user = await makeUser(database.pool, { email: 'user@example.com' });
  await makeUser(database.pool, { email: 'admin@example.com', role: 'admin' });
  const signIn = async (email: string, password = PASSWORD) =>
    (await send('/api/auth/login', { body: { email, password } })).body;

  const first = await signIn('user@example.com');
  const second = await signIn('user@example.com');
  await send('/api/auth/login', { body: { email: 'user@example.com', password: 'not the right password' } });
  const token = second.accessToken;
  await send('/api/auth/me', { token });
  await readPages(send, token, '/api/sessions', ['']);
  await send(`/api/sessions/${first.refreshToken.split('.')[2]}`, { method: 'DELETE', token });
  const { refreshToken } = second;
  const rotated = (await send('/api/auth/refresh', { body: { refreshToken } })).body;
  await send('/api/auth/refresh', { body: { refreshToken } });
  await send('/api/auth/refresh', { body: { refreshToken: rotated.refreshToken } });
  await send('/api/auth/refresh', { body: { refreshToken } });
  const third = await signIn('user@example.com');
  await send('/api/auth/step-up', { token: third.accessToken, body: { password: PASSWORD } });
  const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  await send('/api/auth/password', { token: third.accessToken, body: change });
  const secret = await issueReset({ pool: database.pool, record }, { userId: user.id, actor: { actorKind: 'system' } });
  await send('/api/auth/reset', { body: { token: secret, newPassword: PASSWORD } });
  const last = await signIn('user@example.com');
  await askForUploads(send, last.accessToken);
  await send('/api/sessions/terminate-others', { method: 'POST', token: last.accessToken });
  await send('/api/auth/logout', { body: { refreshToken: last.refreshToken } });
  await send('/api/auth/logout', { body: { refreshToken: last.refreshToken } });
  await send('/api/auth/logout-all', { method: 'POST', token: (await signIn('user@example.com')).accessToken });
  await importUsers({ pool: database.pool, record }, [imported], { actorKind: 'system' });
  await ensureFirstAdmin({ pool: database.pool } as never, { email: undefined, password: undefined });

  const admin = (await signIn('admin@example.com')).accessToken;
  await askAsAdmin(send, admin, user.id);
  await readPages(send, admin, '/api/webhook-events', ['', 'state=open', 'state=dead']);
  await send(`/api/webhook-events/${await keepDeadVerdict(database)}/replay`, { method: 'POST', token: admin });
}

async function askForUploads(send: SendRequest, token: string): Promise<void> {
  const upload = (body: string, key: string) =>
    send('/api/attachments/ticket-1', { token, body, headers: { ...OCTETS, 'idempotency-key': key } });
  const { id } = (await upload('deleted\n', 'one')).body;
  await upload('deleted\n', 'one');
  for (const key of ['two', 'three', 'four']) await upload('a note\n', key);
  await upload('infected\n', 'five');
  await upload('unreadable\n', 'six');
  await readPages(send, token, '/api/uploads', ['']);
  await readPages(send, token, '/api/attachments/ticket-1', ['']);
  await send(`/api/uploads/${id}`, { token });
  await send(`/api/uploads/${id}/content`, { token });
  await send(`/api/uploads/${id}`, { method: 'DELETE', token });
}

async function askAsAdmin(send: SendRequest, token: string, userId: string): Promise<void> {
  const { id } = (await send('/api/users', { token, body: { email: 'made@example.com', name: 'Made', role: 'admin' } }))
    .body;
  await readPages(send, token, '/api/users', ['']);
  await send(`/api/users/${id}`, { method: 'PATCH', token, body: { disabled: true } });
  await readPages(send, token, `/api/users/${userId}/sessions`, ['']);
  await send(`/api/users/${userId}/sessions`, { method: 'DELETE', token });
  const made = (await send('/api/tokens', { token, body: { name: 'one', scopes: ['users:read'] } })).body;
  await send('/api/users', { token: made.token });
  await readPages(send, token, '/api/tokens', ['']);
  await send(`/api/tokens/${made.id}`, { method: 'DELETE', token });
  await readPages(send, token, '/api/attachments/ticket-1', ['']);
  await send('/api/overview', { token });

  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  await readPages(send, token, '/api/security-events', [
    '',
    'type=login.failed',
    'type=refresh.reused',
    'severity=notice',
    'severity=critical',
    'severity=warning',
    `actorId=${userId}`,
    'actorKind=user',
    'actorKind=system',
    'actorKind=token',
    'targetKind=session',
    'targetKind=nothing',
    'targetId=session-4711',
    'source=rare',
    'source=nobody',
    'addressPrefix=203.0.7.0/32',
    'addressPrefix=198.51.100.0/32',
    'requestId=request-4711',
    `from=${hourAgo}`,
    `from=${hourAgo}&severity=critical&actorKind=user`,
  ]);
  await send('/api/security-events/summary', { token });
  await readPages(send, token, '/api/security-events/chain', ['']);

  const receiptFilters = [
    '',
    'source=shop',
    'source=rare',
    'source=nobody',
    'verdict=accepted',
    'verdict=refused',
    'verdict=ping',
    'state=open',
    'state=dead',
    'eventKey=key-4711',
    'textId=text-4711',
    `from=${hourAgo}`,
    `source=whatsapp&verdict=refused&from=${hourAgo}`,
  ];
  await readPages(send, token, '/api/webhook-logs', receiptFilters);
  for (const filter of [{ from: hourAgo }, { source: 'rare' }, { eventKey: 'key-4711' }, { state: 'dead' }]) {
    await send('/api/webhook-logs/replay', { token, body: { filter, dryRun: true } });
  }
  await send('/api/webhook-logs/replay', { token, body: { filter: { eventKey: 'key-4711' } } });
  const { items } = (await send('/api/webhook-logs?source=whatsapp&verdict=accepted&state=done', { token })).body;
  for (const query of ['', '?reveal=true']) {
    await send(`/api/webhook-logs/${items[0].id}${query}`, { token });
    await send(`/api/webhook-logs/${items[0].id}/events${query}`, { token });
  }
  await send(`/api/webhook-logs/${items[0].id}/events?cursor=${newId()}`, { token });
  await send(`/api/webhook-logs/${items[0].id}/replay`, { method: 'POST', token });
  await readPages(send, token, '/api/webhook-events', ['', 'state=done', 'state=dead', 'state=open']);
  const dead = (await send('/api/webhook-events?state=dead', { token })).body.items;
  await send(`/api/webhook-events/${dead[0].id}/replay`, { method: 'POST', token });
}

/** A verdict on an upload that could not be told to anybody. */
async function keepDeadVerdict({ pool }: TestDatabase): Promise<string> {
  const verdict = {
    key: 'upload:clean',
    type: 'upload.clean',
    occurredAt: new Date(),
    subjects: [],
    data: {},
    raw: null,
  };
  const [id = ''] = await inTransaction(pool, (client) =>
    insertOwnEvents(client, [{ ...verdict, correlationId: newId(), traceparent: null }], () => true),
  );
  await pool.query("update webhook_event set state = 'dead', next_check_at = null where id = $1", [id]);
  return id;
}

async function readPages(send: SendRequest, token: string, path: string, filters: readonly string[]): Promise<void> {
  for (const filter of filters) {
    const page = await send(`${path}?limit=2&${filter}`, { token });
    if (page.status !== 200) throw new Error(`${path}?${filter}: ${page.status} ${page.text}`);
    const cursor: unknown = page.body.nextCursor;
    if (typeof cursor === 'string') await send(`${path}?limit=2&${filter}&cursor=${cursor}`, { token });
  }
}

const statuses = [{ id: 'wamid.sent', status: 'sent', timestamp: '1700000000', recipient_id: '4917012345678' }];
const changes = [{ field: 'messages', value: { messaging_product: 'whatsapp', metadata: {}, statuses } }];
const statusBody = JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes }] });

/** Accepted, once more, and refused. */
export async function sendWebhooks(origin: string): Promise<void> {
  const sender = openSender(4);
  try {
    const ids = Array.from({ length: 8 }, (_, n) => `wamid.plans.${n}`);
    for (const id of [...ids, ...ids]) await sender.post(origin, messageBody(id), WHATSAPP_TEST_SECRET);
    await sender.post(origin, statusBody, WHATSAPP_TEST_SECRET);
    await sender.post(origin, messageBody('wamid.refused'), 'another secret');
  } finally {
    sender.close();
  }
}
