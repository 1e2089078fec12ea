import type { Router } from 'express';
import type { Limiter, Policy } from '#limits/limiter.ts';
import type { AccessObserver } from './access-metrics.ts';
import type { ClientAddressOf } from './client.ts';
import { limitByAddress } from './limit.ts';
import type { Access } from './open-access.ts';
import { accountRoutes } from './routes/account.ts';
import { authRoutes } from './routes/auth.ts';
import { jwksRoutes } from './routes/jwks.ts';
import { logoutRoutes } from './routes/logout.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { userRoutes } from './routes/users.ts';

/** Whatever costs a password hash, for one network and minute: enough for an office behind one address. */
const PASSWORDS_PER_ADDRESS: Policy = { name: 'password-address', points: 120, windowSeconds: 60 };

export interface AccessRouteParts {
  access: Access;
  clientAddressOf: ClientAddressOf;
  limiter: Limiter;
  observe: AccessObserver;
}

/** Every route of sign-in, sessions, users and API tokens. */
export function accessRoutes({ access, clientAddressOf, limiter, observe }: AccessRouteParts): Router[] {
  const limitPasswords = limitByAddress({ limiter, clientAddressOf }, PASSWORDS_PER_ADDRESS);
  const parts = { access, clientAddressOf, limitPasswords, observe };
  return [
    authRoutes(parts),
    logoutRoutes(parts),
    accountRoutes(parts),
    sessionRoutes(parts),
    userRoutes(parts),
    tokenRoutes(parts),
    jwksRoutes(access),
  ];
}
