import { z } from 'zod';
import { secret } from '#runtime/config.ts';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';

/** Addresses: each process has its own port setting. */
export const hostSettings = {
  HOST: z.string().default('127.0.0.1'),
};

export const metricsSettings = {
  METRICS_TOKEN: secret().optional(),
};

const HEADERS_LIMIT_MS = 5_000;
/** How often node:http looks whether somebody is past that limit; only each 30 s by default. */
const LOOK_MS = 1_000;
const MAX_HEADER_BYTES = 8 * 1024;
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
  const latest = new WeakMap<Socket, ServerResponse>();
  const begin: RequestListener = (request, response) => {
    latest.set(request.socket, response);
    handler(request, response);
  };
  const server = createServer(
    {
      requestTimeout: 0,
      headersTimeout: HEADERS_LIMIT_MS,
      connectionsCheckingInterval: LOOK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    begin,
  );
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!readsLate(request)) response.writeContinue();
    begin(request, response);
  });
  answerParseErrors(server, latest);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw portFault(error, host, port, setting);
  }
  return { port: (server.address() as AddressInfo).port, close: () => drain(server) };
}

const PARSE_STATUS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

const BARE_HEADERS = [
  'Connection: close',
  'Content-Length: 0',
  'Cache-Control: no-store',
  "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options: nosniff',
].join('\r\n');

/**
 * What can't be parsed is answered in a word and cut. If it follows a request that is still being answered, that answer
 * goes out first: its sender has told a wrong length, and the rest is no second request. `latest`: a connection's last answer.
 */
function answerParseErrors(server: Server, latest: WeakMap<Socket, ServerResponse>): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const last = latest.get(socket);
    const response = last?.writableFinished === true ? undefined : last;
    if (response !== undefined && error.code?.startsWith('HPE_') === true && !response.headersSent) {
      response.setHeader('connection', 'close');
      return;
    }
    if (socket.writable && response?.headersSent !== true) {
      socket.end(`HTTP/1.1 ${PARSE_STATUS[error.code ?? ''] ?? '400 Bad Request'}\r\n${BARE_HEADERS}\r\n\r\n`);
    }
    socket.destroySoon();
  });
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
