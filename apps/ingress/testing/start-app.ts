import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Router } from 'express';
import { newId } from '#runtime/id.ts';
import { openLog } from '#runtime/log.ts';
import { Failure } from '#runtime/failure.ts';
import type { RequireCaller } from '../authenticate.ts';
import { rememberCaller, type Role } from '../caller.ts';
import { buildIngress } from '../ingress.ts';

/** Routes on a server of their own. */
export async function startApp(routers: readonly Router[]): Promise<AsyncDisposable & { origin: string }> {
  const log = openLog({ name: 'test', level: 'silent' });
  const server = createServer(buildIngress({ headers: {}, routers, log })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const ADMIN_ID = newId();

/** Believes the header `x-role`, and checks it against the rules of the route. */
export const callerByHeader: RequireCaller =
  (rules = {}) =>
  (request, response, next) => {
    const role = request.headers['x-role'] as Role | undefined;
    if (role === undefined) throw new Failure('unauthenticated');
    if (rules.roles?.includes(role) === false) throw new Failure('forbidden');
    rememberCaller(response, { kind: 'user', userId: ADMIN_ID, role, sessionId: newId(), tokenId: undefined });
    next();
  };
