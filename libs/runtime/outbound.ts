import { lookup as resolve, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, request } from 'undici';
import { z } from 'zod';

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

/** Whether private addresses may be reached: all, none, or those of the hosts that are named as in a URL, such as `10.0.0.5:8080`. */
export type PrivateReach = boolean | readonly string[];

const words: Record<string, PrivateReach> = { yes: true, true: true, no: false, false: false };
const HOST = /^(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** A setting: `yes`, `no`, or the hosts that may be private. */
export function privateReach(): z.ZodType<PrivateReach, string | undefined> {
  return z
    .string()
    .default('no')
    .transform((text) => words[text] ?? text.split(','))
    .refine(
      (reach) => typeof reach === 'boolean' || reach.every((host) => HOST.test(host)),
      'must be yes, no or a list of host:port',
    );
}

/** Whether a URL may lead to a private address, and doesn't show already that it must not. */
export function isReachable(url: string, reach: PrivateReach): boolean {
  const { hostname } = new URL(url);
  return mayBePrivate(url, reach) || !isPrivateAddress(hostname.replace(/^\[|\]$/g, ''));
}

function mayBePrivate(url: string, reach: PrivateReach): boolean {
  return typeof reach === 'boolean' ? reach : reach.includes(new URL(url).host);
}

/** Requests to the outside with a deadline for each step. Private addresses are refused where the name is resolved, so that no name can lead there. */
export function openOutbound({ allowPrivate }: { allowPrivate: PrivateReach }): Outbound {
  const anywhere = agentOf({});
  const publicOnly = agentOf({ lookup: lookupPublic });
  return {
    async post(url, headers, body, signal) {
      if (!isReachable(url, allowPrivate)) throw new PrivateAddressError(new URL(url).hostname);
      const dispatcher = mayBePrivate(url, allowPrivate) ? anywhere : publicOnly;
      const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher });
      return {
        status: answer.statusCode,
        retryAfterSeconds: secondsOf(answer.headers['retry-after']),
        text: await answer.body.text(),
      };
    },
    async close() {
      await Promise.all([anywhere.close(), publicOnly.close()]);
    },
  };
}

function agentOf(connect: { lookup?: LookupFunction }): Agent {
  return new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: CONNECT_LIMIT_MS, ...connect },
    headersTimeout: ANSWER_LIMIT_MS,
    bodyTimeout: ANSWER_LIMIT_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
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
