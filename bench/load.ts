import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDeliveries, type BodySize } from './delivery.ts';
import { openVisits } from './visits.ts';

export interface LoadOrder {
  port: number;
  path: string;
  secret: string;
  connections: number;
  seconds: number;
  /** How many requests to make ready beforehand. */
  prepared: number;
  /** Of the signed deliveries; 0.8 KB if left out. */
  size?: BodySize;
  /** Visits by GET from so many clients, instead of signed deliveries. */
  clients?: number;
}

export interface LoadResult {
  requests: number;
  /** Until the last answer: what was sent in time is waited for. */
  seconds: number;
  /** Answers by their status; `closed` where the server ended the connection instead. */
  statuses: Record<string, number>;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Share of one core that this generator took. */
  busy: number;
}

/** Beyond the seconds of the load. */
const ANSWER_LIMIT_MS = 120_000;

/**
 * A process of its own that sends what it is told to: `order` → `ready` → `go` → result. Closed loop: each connection sends
 * its next request after the last answer, and all that was sent in time counts. It reads no more of an answer than it must, so that it does not limit the server.
 */
process.on('message', (order: LoadOrder | 'go') => {
  if (order !== 'go') void serve(order);
});
process.on('disconnect', () => process.exit(0));

async function serve(order: LoadOrder): Promise<void> {
  const { path, clients, size } = order;
  const host = `127.0.0.1:${order.port}`;
  const next =
    clients === undefined
      ? openDeliveries(createSecretKey(order.secret, 'utf8'), { path, host, ...(size === undefined ? {} : { size }) })
      : openVisits({ path, host, clients });
  const prepared = Array.from({ length: order.prepared }, next);
  const sockets = await Promise.all(Array.from({ length: order.connections }, () => open(order.port)));
  process.send?.('ready');
  await once(process, 'message');

  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + order.seconds * 1_000;
  const part: Part = {
    next: () => (performance.now() < endsAt ? (prepared.pop() ?? next()) : undefined),
    answered: (status, ms) => {
      latencies.push(ms);
      statuses[status] = (statuses[status] ?? 0) + 1;
    },
  };
  const exchanges = sockets.map(async (first) => {
    for (let socket = first; (await exchange(socket, part)) === 'closed'; socket = await open(order.port));
  });
  const all = await Promise.race([
    Promise.all(exchanges),
    sleep(order.seconds * 1_000 + ANSWER_LIMIT_MS, 'late' as const),
  ]);
  if (all === 'late') throw new Error(`a request was not answered within ${ANSWER_LIMIT_MS} ms`);
  const seconds = (performance.now() - startedAt) / 1_000;
  const used = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const result: LoadResult = {
    requests: latencies.length,
    seconds,
    statuses,
    p50: at(0.5),
    p99: at(0.99),
    busy: (used.user + used.system) / 1e6 / seconds,
  };
  process.send?.(result);
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

interface Part {
  next: () => Buffer | undefined;
  answered: (status: string, ms: number) => void;
}

/** Sends and receives until there is nothing more to send, or the server closes the connection. */
function exchange(socket: Socket, { next, answered }: Part): Promise<'done' | 'closed'> {
  let sentAt = performance.now();
  let pending = '';
  let isWaiting = true;
  return new Promise((resolve) => {
    const send = (): void => {
      const bytes = next();
      isWaiting = bytes !== undefined;
      if (bytes !== undefined) {
        socket.write(bytes);
        return;
      }
      resolve('done');
      socket.destroy();
    };
    // 'close' follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (isWaiting) answered('closed', performance.now() - sentAt);
      resolve('closed');
    });
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(pending)?.[1];
      if (pending.length < headEnd + 4 + Number(length ?? 0)) return;
      const status = pending.slice(9, 12);
      const isLast = /\r\nconnection: close/i.test(pending.slice(0, headEnd + 2));
      pending = '';
      const now = performance.now();
      answered(status, now - sentAt);
      sentAt = now;
      isWaiting = false;
      if (!isLast) send();
    });
    send();
  });
}
