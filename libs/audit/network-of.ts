import ipaddr from 'ipaddr.js';

/** The wider network around an address prefix, by which attacks can be grouped: /24 of IPv4, /48 of IPv6. */
export function networkOf(prefix: string | null): string | undefined {
  if (prefix === null || !ipaddr.isValidCIDR(prefix)) return undefined;
  const [address] = ipaddr.parseCIDR(prefix);
  return address instanceof ipaddr.IPv4
    ? `${ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/24`).toString()}/24`
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/48`).toString()}/48`;
}
