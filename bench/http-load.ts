import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One connection's part: what it sends next, and what it makes of the answer. It is done when it has nothing to send. */
export interface LoadClient {
  next: () => Buffer | undefined;
  answered?: (head: string, body: string) => void;
}

export interface HttpLoad {
  requests: number;
  seconds: number;
  statuses: Record<string, number>;
  /** Milliseconds of every request, ascending. */
  latencies: number[];
  /** Share of one core that this generator took. */
  busy: number;
}

export interface HttpLoadOrder {
  port: number;
  /** Without a time the clients end it. */
  seconds?: number;
  clients: readonly LoadClient[];
  /** Milliseconds between the beginnings of two requests of one connection; 0: the next one follows the last answer. */
  paceMs?: number;
  /** Told of each answer: when its request was to be sent, in milliseconds from the beginning, and how long it took from then. */
  onAnswer?: (dueMs: number, tookMs: number) => void;
}

/** Holds a connection open for each client and sends one request at a time on it. */
export async function loadHttp({
  port,
  seconds = Infinity,
  clients,
  paceMs = 0,
  onAnswer,
}: HttpLoadOrder): Promise<HttpLoad> {
  const sockets = await Promise.all(clients.map(() => open(port)));
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  const runs = clients.map(async (client, index) => {
    const socket = sockets[index];
    if (socket === undefined) return;
    const read = openReader(socket);
    let dueAt = startedAt + (paceMs * index) / clients.length;
    for (;;) {
      if (paceMs > 0) await sleep(Math.max(0, dueAt - performance.now()));
      // Where the last answer was late, this request has waited too.
      const sentAt = paceMs > 0 ? Math.min(dueAt, performance.now()) : performance.now();
      dueAt += paceMs;
      const bytes = sentAt < endsAt ? client.next() : undefined;
      if (bytes === undefined) break;
      socket.write(bytes);
      const { head, body } = await read();
      client.answered?.(head, body);
      const now = performance.now();
      if (now > endsAt && paceMs === 0) break;
      latencies.push(now - sentAt);
      onAnswer?.(sentAt - startedAt, now - sentAt);
      const status = head.slice(9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  });
  await Promise.all(runs);
  const used = process.cpuUsage(cpu);
  const lasted = Number.isFinite(seconds) ? seconds : (performance.now() - startedAt) / 1_000;
  for (const socket of sockets) socket.destroy();
  return {
    requests: latencies.length,
    seconds: lasted,
    statuses,
    latencies: latencies.toSorted((a, b) => a - b),
    busy: (used.user + used.system) / 1e6 / lasted,
  };
}

/** Connections that share one list and end when it is used up. */
export function clientsFor(connections: number, requests: Iterable<Buffer>): LoadClient[] {
  const left = requests[Symbol.iterator]();
  const next = (): Buffer | undefined => {
    const { done, value } = left.next();
    return done === true ? undefined : value;
  };
  return Array.from({ length: connections }, () => ({ next }));
}

/** The latency that this share of all requests did not exceed. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN;
}

/** The bytes of a request without a body, or with a JSON one. */
export function requestBytes(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body);
  const all = {
    host: '127.0.0.1',
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`);
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Reads whole answers, one at a time. */
function openReader(socket: Socket): () => Promise<{ head: string; body: string }> {
  let pending = '';
  let settle: { resolve: (answer: { head: string; body: string }) => void; reject: (error: Error) => void } | undefined;
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    const headEnd = pending.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = pending.slice(0, headEnd);
    const body = pending.slice(headEnd + 4);
    if (!isWhole(head, body)) return;
    pending = '';
    settle?.resolve({ head, body });
  });
  const fail = (): void => settle?.reject(new Error(`the server closed a connection after "${pending.slice(0, 200)}"`));
  socket.on('error', fail);
  socket.on('close', fail);
  return () =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
}

function isWhole(head: string, body: string): boolean {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return body.endsWith('0\r\n\r\n');
  return body.length >= Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
}
