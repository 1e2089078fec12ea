import { connect } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { signStandardWebhook } from '#webhooks/sign-standard-webhook.ts';
import { decodeSigningKey } from '#webhooks/signing-key.ts';
import { INBOX_EVENTS, openEventInbox, type EventInbox, type InboxEvent } from './event-inbox.ts';

const NOW_MS = 1_700_000_000_000;
let inbox: EventInbox;

beforeEach(async () => {
  const opened = await openEventInbox({ now: () => NOW_MS });
  inbox = opened;
  return () => opened.close();
});

const eventOf = (id: string, receiptId: string | null = 'r1') => ({
  id,
  type: 'order.created',
  timestamp: '2023-11-14T22:13:20.000Z',
  source: 'shop',
  key: 'k',
  receiptId,
  data: { email: 'joerg@example.com' },
  raw: { name: 'Jörg' },
});

function signed(secret: string, event: object, { id = 'e1', nowMs = NOW_MS } = {}) {
  const key = decodeSigningKey(secret, 'whsec');
  if (typeof key === 'string') throw new Error(key);
  const body = JSON.stringify(event);
  return { body, headers: signStandardWebhook(key, { id, nowMs, body: Buffer.from(body) }) };
}

async function post({ body, headers }: { body: string; headers: Record<string, string> }): Promise<number> {
  return (await fetch(inbox.url, { method: 'POST', body, headers })).status;
}

async function events(): Promise<InboxEvent[]> {
  const response = await fetch(inbox.url, { headers: { authorization: `Bearer ${inbox.token}` } });
  return ((await response.json()) as { items: InboxEvent[] }).items;
}

it('remembers what is signed for it, without what it says of people', async () => {
  expect(await post(signed(inbox.secret, eventOf('e1')))).toBe(204);
  expect(await post(signed(inbox.secret, eventOf('e2', null), { id: 'e2' }))).toBe(204);
  expect(await events()).toEqual([
    { id: 'e1', type: 'order.created', source: 'shop', receiptId: 'r1', receivedAtMs: NOW_MS },
    { id: 'e2', type: 'order.created', source: 'shop', receiptId: null, receivedAtMs: NOW_MS },
  ]);
});

describe('refuses, and remembers nothing of it', () => {
  const otherSecret = `whsec_${Buffer.alloc(32, 'another secret').toString('base64')}`;
  it.each<[string, () => { body: string; headers: Record<string, string> }]>([
    ['no signature', () => ({ body: JSON.stringify(eventOf('e1')), headers: {} })],
    ['the signature of another secret', () => signed(otherSecret, eventOf('e1'))],
    ['a changed body', () => ({ ...signed(inbox.secret, eventOf('e1')), body: JSON.stringify(eventOf('e2')) })],
    ['an old signature', () => signed(inbox.secret, eventOf('e1'), { nowMs: NOW_MS - 301_000 })],
    ['the id of another event', () => signed(inbox.secret, eventOf('e1'), { id: 'e2' })],
    ['signed words that are no event', () => signed(inbox.secret, { id: 'e1' })],
  ])('%s', async (_title, request) => {
    expect(await post(request())).toBe(401);
    expect(await events()).toEqual([]);
  });
});

it('forgets the oldest beyond its bound, and counts a repetition once', async () => {
  for (let n = 0; n < INBOX_EVENTS + 5; n += 1) {
    expect(await post(signed(inbox.secret, eventOf(`e${n}`), { id: `e${n}` }))).toBe(204);
  }
  expect(await post(signed(inbox.secret, eventOf('e7'), { id: 'e7' }))).toBe(204);
  const ids = (await events()).map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: INBOX_EVENTS }, (_, n) => `e${n + 5}`));
});

it('shows events only to who has its token', async () => {
  for (const authorization of ['', 'Bearer ', `Bearer ${inbox.token}x`, inbox.token]) {
    expect((await fetch(inbox.url, { headers: { authorization } })).status).toBe(401);
  }
});

it('holds no more than the largest event that there is', { timeout: 30_000 }, async () => {
  const { port } = new URL(inbox.url);
  const socket = connect(Number(port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
  });
  socket.write('POST /events HTTP/1.1\r\nhost: inbox\r\ncontent-length: 99999999\r\n\r\n');
  const chunk = Buffer.alloc(1024 * 1024);
  for (let n = 0; n < 90; n += 1) socket.write(chunk);
  await vi.waitFor(() => expect(answer).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1\r\n/i), 20_000);
  expect(await post(signed(inbox.secret, eventOf('e1')))).toBe(204);
});

it('has a secret and a token of its own each time', async () => {
  const other = await openEventInbox();
  onTestFinished(() => other.close());
  expect(new Set([inbox.secret, inbox.token, other.secret, other.token]).size).toBe(4);
});
