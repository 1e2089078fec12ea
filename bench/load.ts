import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDeliveries } from './delivery.ts';
import { openVisits } from './visits.ts';

export interface LoadOrder {
  port: number;
  path: string;
  secret: string;
  connections: number;
  seconds: number;
  /** How many requests to make ready beforehand. */
  prepared: number;
  /** Visits by GET from so many clients, instead of signed deliveries. */
  clients?: number;
}

export interface LoadResult {
  requests: number;
  seconds: number;
  statuses: Record<string, number>;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Share of one core that this generator took. */
  busy: number;
}

/**
 * A process of its own that sends what it is told to: `order` → `ready` → `go` → result. Closed loop: each connection sends
 * its next request after the last answer. It reads no more of an answer than it must, so that it does not limit the server.
 */
process.on('message', (order: LoadOrder | 'go') => {
  if (order !== 'go') void serve(order);
});
process.on('disconnect', () => process.exit(0));

async function serve(order: LoadOrder): Promise<void> {
  const { path, clients } = order;
  const host = `127.0.0.1:${order.port}`;
  const next =
    clients === undefined
      ? openDeliveries(createSecretKey(order.secret, 'utf8'), { path, host })
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
  for (const socket of sockets) {
    exchange(
      socket,
      () => prepared.pop() ?? next(),
      (status, sentAt, now) => {
        if (now > endsAt) return false;
        latencies.push(now - sentAt);
        statuses[status] = (statuses[status] ?? 0) + 1;
        return true;
      },
    );
  }
  await sleep(order.seconds * 1_000);
  const used = process.cpuUsage(cpu);
  // Answers on their way are waited for, so that the next server finds the machine at rest.
  await sleep(200);
  for (const socket of sockets) socket.destroy();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const result: LoadResult = {
    requests: latencies.length,
    seconds: order.seconds,
    statuses,
    p50: at(0.5),
    p99: at(0.99),
    busy: (used.user + used.system) / 1e6 / order.seconds,
  };
  process.send?.(result);
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Sends and receives until `answered` says that it is enough. */
function exchange(
  socket: Socket,
  next: () => Buffer,
  answered: (status: string, sentAt: number, now: number) => boolean,
): void {
  let sentAt = performance.now();
  let pending = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    const headEnd = pending.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(pending)?.[1];
    if (pending.length < headEnd + 4 + Number(length ?? 0)) return;
    const status = pending.slice(9, 12);
    pending = '';
    const now = performance.now();
    if (!answered(status, sentAt, now)) return;
    sentAt = now;
    socket.write(next());
  });
  socket.write(next());
}
