import type { IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

export const proxySettings = {
  /** Trusted proxies as a list of CIDR ranges; their `x-forwarded-for` is believed, nobody else's. */
  TRUST_PROXY: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .superRefine((ranges, context) => {
      for (const range of ranges) {
        if (!ipaddr.isValidCIDR(range)) {
          context.addIssue({ code: 'custom', message: 'must be a list of CIDR ranges such as 10.0.0.0/8,fd00::/8' });
        } else if (ipaddr.parseCIDR(range)[1] === 0) {
          context.addIssue({ code: 'custom', message: `${range} would believe everybody: name the proxies` });
        }
      }
    }),
};

/** One text form for one address: IPv4-mapped IPv6 becomes IPv4, a zone index is dropped; undefined if it is no address. */
export function normalAddress(text: string | undefined): string | undefined {
  const address = parse(text);
  return address?.toString();
}

/** The network an address is counted under: /32 for IPv4, /56 for IPv6 (one customer's usual allotment). */
export function addressPrefixOf(text: string): string {
  if (isIPv4(text)) return `${text}/32`;
  const address = parse(text);
  if (address === undefined) return '0.0.0.0/32';
  if (address instanceof ipaddr.IPv4) return `${address.toString()}/32`;
  const [first = 0, second = 0, third = 0, fourth = 0] = address.parts;
  return `${new ipaddr.IPv6([first, second, third, fourth & 0xff00, 0, 0, 0, 0]).toString()}/56`;
}

/** The network around a prefix of `addressPrefixOf`: /24 for IPv4, /48 for IPv6. */
export function widerNetworkOf(prefix: string): string {
  const [network = '', bits] = prefix.split('/');
  return bits === '32'
    ? `${ipaddr.IPv4.networkAddressFromCIDR(`${network}/24`).toString()}/24`
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${network}/48`).toString()}/48`;
}

export function isLoopback(text: string | undefined): boolean {
  return parse(text)?.range() === 'loopback';
}

/**
 * The client's address: the socket's peer, or, where that peer is a trusted proxy, the last address of
 * `x-forwarded-for` that no trusted proxy has.
 */
export function openClientAddress(trustedRanges: readonly string[]) {
  const look = openLook(trustedRanges);
  return (peer: string | undefined, forwardedFor: string | readonly string[] | undefined): string => {
    if (trustedRanges.length === 0 && peer !== undefined && isIPv4(peer)) return peer;
    let place = look(peer);
    if (place === undefined) return '0.0.0.0';
    if (!place.isTrusted || forwardedFor === undefined) return place.address;
    for (const hop of lastHopsOf(forwardedFor)) {
      const next = look(hop.trim());
      if (next === undefined) break;
      place = next;
      if (!next.isTrusted) break;
    }
    return place.address;
  };
}

/** Whether a request came over TLS: to this process itself, or as a trusted proxy says by `x-forwarded-proto`. */
export function openIsSecure(trustedRanges: readonly string[]): (request: IncomingMessage) => boolean {
  const look = openLook(trustedRanges);
  return ({ socket, headers }) => {
    if ('encrypted' in socket && socket.encrypted === true) return true;
    return look(socket.remoteAddress)?.isTrusted === true && headers['x-forwarded-proto'] === 'https';
  };
}

interface Place {
  /** In normal form. */
  address: string;
  isTrusted: boolean;
}

const MAX_HOPS = 32;

/** Who forwarded to whom, the last first. Mostly there is one. */
function lastHopsOf(forwardedFor: string | readonly string[]): string[] {
  const text = typeof forwardedFor === 'string' ? forwardedFor : forwardedFor.join(',');
  return text.includes(',') ? text.split(',').toReversed().slice(0, MAX_HOPS) : [text];
}

/** Parsing costs more than everything else that is done with an address, and most requests come from few of them. */
const MAX_REMEMBERED = 4_096;
const MAX_REMEMBERED_LENGTH = 45;

/** What a text means as an address; undefined if it is none. */
function openLook(trustedRanges: readonly string[]): (text: string | undefined) => Place | undefined {
  const trusted = trustedRanges.map((range) => ipaddr.parseCIDR(range));
  const remembered = new Map<string, Place | undefined>();

  function lookClosely(text: string): Place | undefined {
    const address = parse(text);
    if (address === undefined) return undefined;
    const isTrusted = trusted.some(
      ([network, bits]) => address.kind() === network.kind() && address.match([network, bits] as never),
    );
    return { address: address.toString(), isTrusted };
  }

  return (text) => {
    if (text === undefined) return undefined;
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const place = lookClosely(text);
    if (text.length > MAX_REMEMBERED_LENGTH) return place;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(text, place);
    return place;
  };
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

function parse(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  const bare = text.replace(/%.*$/, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}
