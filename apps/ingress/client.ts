import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';
import { agentClassOf, type Device } from '#access/device.ts';
import type { Client } from '#access/start-session.ts';
import { addressPrefixOf, normalAddress, openClientAddress } from '#runtime/address.ts';

/** The client's address, found by the rules of TRUST_PROXY. */
export type ClientAddressOf = (request: IncomingMessage) => string;

const MAX_NETWORKS = 4_096;

/**
 * Trusts the proxies of TRUST_PROXY and nobody else. Told once when a peer's `x-forwarded-for` is not believed: it may be a
 * proxy that the setting forgot, and then all its clients share one address.
 */
export function openClientAddressOf(
  trustedRanges: readonly string[],
  onDisbelieved: (peer: string) => void,
): ClientAddressOf {
  const addressOf = openClientAddress(trustedRanges);
  let isTold = false;
  return ({ socket, headers }) => {
    const forwardedFor = headers['x-forwarded-for'];
    const address = addressOf(socket.remoteAddress, forwardedFor);
    const isPeer = forwardedFor !== undefined && !isTold && socket.remoteAddress?.endsWith(address) === true;
    if (isPeer && address === normalAddress(socket.remoteAddress)) {
      isTold = true;
      onDisbelieved(address);
    }
    return address;
  };
}

/** The network that a client is counted under. Most requests come from few of them, so that their names are kept. */
export function openClientNetworkOf(addressOf: ClientAddressOf): (request: IncomingMessage) => string {
  const networks = new Map<string, string>();
  return (request) => {
    const address = addressOf(request);
    const known = networks.get(address);
    if (known !== undefined) return known;
    if (networks.size >= MAX_NETWORKS) networks.clear();
    const network = addressPrefixOf(address);
    networks.set(address, network);
    return network;
  };
}

/** Who a request comes from, with the strongest mark of its device that it offers. */
export function clientOf(request: Request, addressOf: ClientAddressOf, device: Device | undefined): Client {
  const userAgent = request.headers['user-agent'];
  return {
    device: device ?? agentClassOf(userAgent),
    userAgent,
    addressPrefix: addressPrefixOf(addressOf(request)),
  };
}
