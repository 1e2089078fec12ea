import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';
import { agentClassOf, type Device } from '#access/device.ts';
import type { Client } from '#access/start-session.ts';
import { addressPrefixOf } from '#runtime/address.ts';

/** The client's address, found by the rules of TRUST_PROXY. */
export type ClientAddressOf = (request: IncomingMessage) => string;

/** Who a request comes from, with the strongest mark of its device that it offers. */
export function clientOf(request: Request, addressOf: ClientAddressOf, device: Device | undefined): Client {
  const userAgent = request.headers['user-agent'];
  return {
    device: device ?? agentClassOf(userAgent),
    userAgent,
    addressPrefix: addressPrefixOf(addressOf(request)),
  };
}
