import { z } from 'zod';
import { secret } from '#runtime/config.ts';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** Addresses: each process has its own port setting. */
export const hostSettings = {
  HOST: z.string().default('127.0.0.1'),
};

export const metricsSettings = {
  METRICS_TOKEN: secret().optional(),
};

const HEADERS_LIMIT_MS = 5_000;
/** Longer than a proxy's, so that it is never the server that closes a connection the proxy is about to use. */
const KEEP_ALIVE_MS = 75_000;
const DRAIN_MS = 5_000;

export interface RunningServer {
  port: number;
  /** Stops accepting, lets requests in flight finish for some seconds, then cuts them. */
  close(): Promise<void>;
}

export interface ListenOptions {
  host: string;
  port: number;
  /** The setting that the port comes from. */
  setting: string;
  /** Requests with `Expect: 100-continue` whose handler says itself when it wants the body (RFC 9110 §10.1.1). */
  readsLate?: (request: IncomingMessage) => boolean;
}

/**
 * Listens on `host` and `port`. Deadlines for bodies belong to the routes, since node:http has one for the whole server.
 * @throws Error that names `setting` when the port is taken.
 */
export async function listen(
  handler: RequestListener,
  { host, port, setting, readsLate = () => false }: ListenOptions,
): Promise<RunningServer> {
  const server = createServer(
    { requestTimeout: 0, headersTimeout: HEADERS_LIMIT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    handler,
  );
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!readsLate(request)) response.writeContinue();
    handler(request, response);
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw portFault(error, host, port, setting);
  }
  return { port: (server.address() as AddressInfo).port, close: () => drain(server) };
}

function portFault(error: unknown, host: string, port: number, setting: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return new Error(`${setting}: port ${port} on ${host} is in use; set ${setting} to another one`);
  if (code === 'EACCES') return new Error(`${setting}: port ${port} on ${host} may not be opened by this user`);
  return error;
}

async function drain(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // A kept-alive connection turns idle only after its last answer.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
