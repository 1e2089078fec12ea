import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isFailure } from '#runtime/failure.ts';
import type { Outbound, OutboundAnswer } from '#runtime/outbound.ts';
import { forwardedId, openForward } from '#webhooks/forward.ts';
import type { StoredEvent } from '#webhooks/handler.ts';
import { readSources } from '#webhooks/sources.ts';
import { verify } from '#webhooks/verify.ts';

const SECRET = Buffer.from('a forwarding secret of 32 bytes!');
const NOW_MS = 1_800_000_000_000;
const never = new AbortController().signal;

const event: StoredEvent = {
  id: '01a20c56-11da-730a-8764-7da68d96e97e',
  source: 'whatsapp',
  key: 'wamid.A',
  type: 'message.received',
  occurredAt: new Date('2026-01-02T03:04:05Z'),
  createdAt: new Date('2026-01-02T03:04:06Z'),
  subjects: [],
  data: { text: 'héllo' },
  raw: { id: 'wamid.A' },
  receiptId: '01a20c56-0000-730a-8764-7da68d96e97e',
  correlationId: 'request-1',
  replay: 0,
};

function forwardTo(answers: (Partial<OutboundAnswer> | Error)[]) {
  const posts: { url: string; headers: Record<string, string>; body: Buffer }[] = [];
  let nowMs = NOW_MS;
  const outbound: Outbound = {
    post: (url, headers, body) => {
      posts.push({ url, headers, body: Buffer.from(body) });
      const answer = answers.shift() ?? { status: 200 };
      if (answer instanceof Error) return Promise.reject(answer);
      return Promise.resolve({ status: 200, retryAfterSeconds: undefined, text: '', ...answer });
    },
    close: () => Promise.resolve(),
  };
  const key = createSecretKey(SECRET);
  const handler = openForward({ url: 'https://app.example/hook', key, outbound, now: () => nowMs });
  return { handler, posts, pass: (ms: number) => void (nowMs += ms) };
}

const outcomeOf = async (call: Promise<void>) =>
  call.then(
    () => 'ok',
    (error: unknown) => (isFailure(error) ? [error.code, error.retryAfterSeconds] : error),
  );

it('posts what a Standard Webhooks receiver verifies', async () => {
  const { handler, posts } = forwardTo([]);
  await handler.call(event, never);
  const [{ headers, body, url }] = posts as [(typeof posts)[0]];
  expect(url).toBe('https://app.example/hook');
  const sources = readSources({
    WEBHOOK_SOURCES: 'portcullis:standard-webhooks',
    WEBHOOK_SECRET_PORTCULLIS: `whsec_${SECRET.toString('base64')}`,
  });
  const source = sources.get('/api/webhooks/portcullis')!;
  const distinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const delivery = { method: 'POST', path: source.path, query: '', headers: distinct, nowMs: NOW_MS, body };
  expect(verify(source, delivery)).toMatchObject({ ok: true, verdict: 'accepted' });
  expect(JSON.parse(body.toString())).toEqual({
    id: event.id,
    type: 'message.received',
    timestamp: '2026-01-02T03:04:05.000Z',
    source: 'whatsapp',
    key: 'wamid.A',
    receiptId: event.receiptId,
    data: { text: 'héllo' },
    raw: { id: 'wamid.A' },
  });
});

it('keeps the id over retries and changes it for a replay', () => {
  expect(forwardedId(event)).toBe(event.id);
  expect(forwardedId({ ...event, replay: 2 })).toBe(`${event.id}_r2`);
});

describe('takes the answer', () => {
  it.each<[Partial<OutboundAnswer> | Error, unknown]>([
    [{ status: 204 }, 'ok'],
    [{ status: 302 }, ['forward-refused', undefined]],
    [{ status: 400 }, ['forward-refused', undefined]],
    [{ status: 500 }, ['forward-refused', undefined]],
    [{ status: 410 }, ['forward-gone', undefined]],
    [{ status: 503 }, ['forward-unavailable', 5]],
    [{ status: 503, retryAfterSeconds: 120 }, ['forward-unavailable', 120]],
    [{ status: 429, retryAfterSeconds: 999_999 }, ['forward-unavailable', 3_600]],
    [new Error('socket hang up'), ['forward-unavailable', 5]],
  ])('%j', async (answer, outcome) => {
    const { handler } = forwardTo([answer]);
    expect(await outcomeOf(handler.call(event, never))).toEqual(outcome);
  });
});

it('stops asking an application that is away, and asks again after a pause', async () => {
  const { handler, posts, pass } = forwardTo(Array.from({ length: 5 }, () => new Error('refused')));
  for (let n = 0; n < 5; n += 1) await outcomeOf(handler.call(event, never));
  expect(await outcomeOf(handler.call(event, never))).toEqual(['forward-unavailable', 5]);
  expect(posts).toHaveLength(5);
  pass(5_000);
  expect(await outcomeOf(handler.call(event, never))).toBe('ok');
  expect(posts).toHaveLength(6);
});

it('does not take an application for one that is away because its own calls were broken off', async () => {
  const { handler, posts } = forwardTo(Array.from({ length: 5 }, () => new Error('aborted')));
  for (let n = 0; n < 5; n += 1) {
    expect(await outcomeOf(handler.call(event, AbortSignal.abort()))).toEqual(['forward-unavailable', 5]);
  }
  expect(await outcomeOf(handler.call(event, never))).toBe('ok');
  expect(posts).toHaveLength(6);
});

it('does not take an application that refuses events for one that is away', async () => {
  const { handler, posts } = forwardTo(Array.from({ length: 20 }, () => ({ status: 400 })));
  for (let n = 0; n < 20; n += 1) await outcomeOf(handler.call(event, never));
  expect(posts).toHaveLength(20);
});
