import { lookup as resolve, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, request } from 'undici';

const CONNECT_LIMIT_MS = 3_000;
const ANSWER_LIMIT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 64;

export interface OutboundAnswer {
  status: number;
  retryAfterSeconds: number | undefined;
  /** At most the first 64 KiB. */
  text: string;
}

export interface Outbound {
  /**
   * Posts to a URL and follows no redirect.
   * @throws Error if there is no answer in time, or the address is private and that is not allowed.
   */
  post(
    url: string,
    headers: Record<string, string>,
    body: Buffer | string,
    signal: AbortSignal,
  ): Promise<OutboundAnswer>;
  close(): Promise<void>;
}

/** Requests to the outside with a deadline for each step. Private addresses are refused where the name is resolved, so that no name can lead there. */
export function openOutbound({ allowPrivate }: { allowPrivate: boolean }): Outbound {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: CONNECT_LIMIT_MS, ...(allowPrivate ? {} : { lookup: lookupPublic }) },
    headersTimeout: ANSWER_LIMIT_MS,
    bodyTimeout: ANSWER_LIMIT_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  return {
    async post(url, headers, body, signal) {
      const { hostname } = new URL(url);
      if (!allowPrivate && isPrivateAddress(hostname.replace(/^\[|\]$/g, ''))) throw new PrivateAddressError(hostname);
      const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher: agent });
      return {
        status: answer.statusCode,
        retryAfterSeconds: secondsOf(answer.headers['retry-after']),
        text: await answer.body.text(),
      };
    },
    close: () => agent.close(),
  };
}

export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';

  constructor(host: string) {
    super(`${host} is a private address`);
  }
}

/** Whether a literal address is one that is not reached over the public internet. Names are not addresses. */
export function isPrivateAddress(host: string): boolean {
  return isIP(host) !== 0 && ipaddr.process(host).range() !== 'unicast';
}

const lookupPublic: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error !== null) {
      callback(error, '', 0);
      return;
    }
    const [first] = addresses;
    if (first === undefined || addresses.some(({ address }) => isPrivateAddress(address))) {
      callback(new PrivateAddressError(hostname), '', 0);
    } else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3). */
function secondsOf(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - Date.now()) / 1_000));
}
