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
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/56`).toString()}/56`;
}

export function isLoopback(text: string | undefined): boolean {
  return parse(text)?.range() === 'loopback';
}

/**
 * The client's address: the socket's peer, or, where that peer is a trusted proxy, the last address of
 * `x-forwarded-for` that no trusted proxy has.
 */
export function openClientAddress(trustedRanges: readonly string[]) {
  const trusted = trustedRanges.map((range) => ipaddr.parseCIDR(range));
  const isTrusted = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
    trusted.some(([network, bits]) => address.kind() === network.kind() && address.match([network, bits] as never));
  return (peer: string | undefined, forwardedFor: string | readonly string[] | undefined): string => {
    if (trusted.length === 0 && peer !== undefined && isIPv4(peer)) return peer;
    let address = parse(peer);
    if (address === undefined) return '0.0.0.0';
    if (trusted.length === 0 || !isTrusted(address) || forwardedFor === undefined) return address.toString();
    const hops = (typeof forwardedFor === 'string' ? forwardedFor : forwardedFor.join(',')).split(',');
    for (const hop of hops.toReversed().slice(0, 32)) {
      const next = parse(hop.trim());
      if (next === undefined) break;
      address = next;
      if (!isTrusted(next)) break;
    }
    return address.toString();
  };
}

function parse(text: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (text === undefined) return undefined;
  const bare = text.replace(/%.*$/, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}
