import { request as requestHttp, type Agent, type OutgoingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { UsageError } from './usage-error.ts';

const TIMEOUT_MS = 30_000;

export interface Exchange {
  method?: string;
  url: URL;
  headers: OutgoingHttpHeaders;
  body: Buffer;
  agent?: Agent;
  /** Pauses this long after each byte until an answer comes. */
  pauseMs?: number;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  ms: number;
}

/** Sends one request and waits for the whole answer. An answer that comes before the body is sent ends the sending. */
export function exchange({ method = 'POST', url, headers, body, agent, pauseMs }: Exchange): Promise<Answer> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const length = body.length > 0 ? { 'content-length': body.length } : {};
    const options = { method, headers: { ...length, ...headers }, timeout: TIMEOUT_MS, ...(agent && { agent }) };
    const request = send(url, options);
    let isAnswered = false;
    request.on('response', (response) => {
      isAnswered = true;
      text(response).then(
        (body) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
            ms: performance.now() - startedAt,
          }),
        reject,
      );
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    request.on('error', (error) => {
      if (!isAnswered) reject(error);
    });
    if (pauseMs === undefined) request.end(body);
    else dribble(request, body, pauseMs, () => isAnswered);
  });
}

function dribble(request: ReturnType<typeof requestHttp>, body: Buffer, pauseMs: number, isOver: () => boolean): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (isOver() || request.destroyed || sent >= body.length) clearInterval(timer);
    else request.write(body.subarray(sent, (sent += 1)));
  }, pauseMs);
  request.on('close', () => clearInterval(timer));
}

/** The same over HTTP/1.0, as WooCommerce speaks it: the answer ends where the connection does. */
export async function exchangeHttp10({ method = 'POST', url, headers, body }: Exchange): Promise<Answer> {
  const startedAt = performance.now();
  if (url.protocol !== 'http:') throw new UsageError('HTTP/1.0 is sent without TLS only');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port || 80), url.hostname);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('the connection was not closed')));
    socket.on('error', reject);
    const lines = Object.entries({ host: url.host, 'content-length': body.length, ...headers });
    const head = lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('');
    socket.write(`${method} ${url.pathname}${url.search} HTTP/1.0\r\n${head}\r\n`);
    socket.write(body);
    text(socket).then((raw) => resolve({ ...parseAnswer(raw), ms: performance.now() - startedAt }), reject);
  });
}

function parseAnswer(raw: string): Omit<Answer, 'ms'> {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => [line.split(':', 1)[0]?.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
  return {
    status: Number(statusLine.split(' ', 2)[1] ?? 0),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: rest.join('\r\n\r\n'),
  };
}
