import type { Router } from 'express';
import type { AccessObserver } from './access-metrics.ts';
import type { ClientAddressOf } from './client.ts';
import { openAccessLimits } from './access-limits.ts';
import type { Access } from './open-access.ts';
import type { Limits } from './open-limits.ts';
import { accountRoutes } from './routes/account.ts';
import { apiDocumentRoutes } from './routes/api-document.ts';
import { authRoutes } from './routes/auth.ts';
import { jwksRoutes } from './routes/jwks.ts';
import { logoutRoutes } from './routes/logout.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { userRoutes } from './routes/users.ts';

export interface AccessRouteParts {
  access: Access;
  /** The origin that people reach us at. */
  origin: string;
  clientAddressOf: ClientAddressOf;
  limits: Limits;
  observe: AccessObserver;
}

/** Every route of sign-in, sessions, users and API tokens, and what describes all routes. */
export function accessRoutes({ access, origin, clientAddressOf, limits, observe }: AccessRouteParts): Router[] {
  const { keys } = access.context;
  const parts = { access, clientAddressOf, limits: openAccessLimits(limits, { keys, clientAddressOf }), observe };
  return [
    authRoutes(parts),
    logoutRoutes(parts),
    accountRoutes(parts),
    sessionRoutes(parts),
    userRoutes(parts),
    tokenRoutes(parts),
    jwksRoutes(access, parts.limits),
    apiDocumentRoutes(origin, parts.limits),
  ];
}
