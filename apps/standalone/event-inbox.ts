import { createSecretKey, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { listen } from '#runtime/http-server.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Source } from '#webhooks/source.ts';
import { verify } from '#webhooks/verify.ts';

/** A forwarded event whose signature was right; of what it says, nothing that is about people. */
export type InboxEvent = z.infer<typeof inboxEvent>;

export interface EventInbox {
  /** For the worker: where to post events to, what to sign them with, and the `host:port` that may be on this machine. */
  url: string;
  secret: string;
  host: string;
  /** For the reader: the bearer token of a GET of `url`, which answers `{ items }`, the oldest first. */
  token: string;
  close(): Promise<void>;
}

export const INBOX_EVENTS = 200;

const PATH = '/events';
const SECRET_BYTES = 32;
/** Of all bodies at once: the largest event there is, a body of 32 MiB with what was read out of it. */
const MAX_HELD_BYTES = 80 * 1024 * 1024;
const BODY_LIMIT_MS = 10_000;
const BUSY_SECONDS = 1;

export const inboxEvent = z.object({
  id: z.string(),
  type: z.string(),
  source: z.string(),
  /** Null for an event that came from no webhook. */
  receiptId: z.string().nullable(),
  receivedAtMs: z.number(),
});

/**
 * A receiver of forwarded events for who has none yet, on loopback only: takes what is signed for it (Standard Webhooks
 * 1.0.0) and remembers the last 200. It holds its secret and its token itself, new ones each time it is opened.
 */
export async function openEventInbox({ now = Date.now }: { now?: () => number } = {}): Promise<EventInbox> {
  const key = randomBytes(SECRET_BYTES);
  const token = randomBytes(SECRET_BYTES).toString('base64url');
  const source = sourceOf(key);
  const events = new Map<string, InboxEvent>();
  const read = openBodyReader();

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    if (body === 'broken') {
      response.destroy();
    } else if (body === 'busy') {
      response.writeHead(503, { 'retry-after': String(BUSY_SECONDS), connection: 'close' }).end();
    } else {
      const event = provenEvent(source, request, body, now());
      if (event !== undefined) remember(events, event);
      response.writeHead(event === undefined ? 401 : 204).end();
    }
  }

  function show(request: IncomingMessage, response: ServerResponse): void {
    if (!isEqual(request.headers.authorization ?? '', `Bearer ${token}`)) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify({ items: [...events.values()] }));
  }

  const server = await listen(
    (request, response) => {
      if (request.url !== PATH) response.writeHead(404).end();
      else if (request.method === 'POST') void take(request, response);
      else if (request.method === 'GET') show(request, response);
      else response.writeHead(405, { allow: 'GET, POST' }).end();
    },
    { host: '127.0.0.1', port: 0, setting: 'FORWARD_URL' },
  );
  const host = `127.0.0.1:${server.port}`;
  const secret = `whsec_${key.toString('base64')}`;
  return { url: `http://${host}${PATH}`, secret, host, token, close: () => server.close() };
}

function sourceOf(key: Buffer): Source {
  return {
    name: 'inbox',
    provider: 'standard-webhooks',
    path: PATH,
    keys: [{ label: 'inbox', key: createSecretKey(key) }],
    verifyTokens: [],
    outage: '503',
    maxBytes: MAX_HELD_BYTES,
    signatureHeader: '',
    signatureEncoding: 'hex',
    publicUrl: undefined,
  };
}

function provenEvent(
  source: Source,
  { headersDistinct: headers }: IncomingMessage,
  body: Buffer,
  nowMs: number,
): InboxEvent | undefined {
  const head = { method: 'POST', path: PATH, query: '', headers, nowMs };
  if (!verify(source, { ...head, body }).ok) return undefined;
  const parsed = parseJson(body);
  const event = inboxEvent.safeParse({ ...(parsed.ok ? Object(parsed.value) : {}), receivedAtMs: nowMs });
  return event.success && event.data.id === headers['webhook-id']?.[0] ? event.data : undefined;
}

/** A repetition of one that is here already changes nothing. */
function remember(events: Map<string, InboxEvent>, event: InboxEvent): void {
  if (events.has(event.id)) return;
  events.set(event.id, event);
  const [oldest] = events.keys();
  if (events.size > INBOX_EVENTS && oldest !== undefined) events.delete(oldest);
}

/** Reads bodies; `busy` if all that are being read take too much together, `broken` if one does not come to its end. */
function openBodyReader(): (request: IncomingMessage) => Promise<Buffer | 'busy' | 'broken'> {
  let heldBytes = 0;
  return async (request) => {
    const chunks: Buffer[] = [];
    const late = setTimeout(() => request.destroy(), BODY_LIMIT_MS);
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        heldBytes += chunk.length;
        chunks.push(chunk);
        if (heldBytes > MAX_HELD_BYTES) return 'busy';
      }
      return Buffer.concat(chunks);
    } catch {
      return 'broken';
    } finally {
      clearTimeout(late);
      for (const chunk of chunks) heldBytes -= chunk.length;
    }
  };
}

function isEqual(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}
