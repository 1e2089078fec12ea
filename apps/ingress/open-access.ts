import { openAccessTokens, type AccessTokens } from '#access/access-tokens.ts';
import { openApiTokenDoor, type ApiTokenDoor } from '#access/api-tokens.ts';
import type { AccessContext } from '#access/context.ts';
import { openKeyring } from '#access/keyring.ts';
import { openPasswordPolicy, type PasswordPolicy } from '#access/password-policy.ts';
import { openPasswords } from '#access/passwords.ts';
import { openSessionStandings, type SessionStandings } from '#access/session-standings.ts';
import { openSigningKeys, type SigningKeys } from '#access/signing-keys.ts';
import type { Role } from '#access/user.ts';
import { record } from '#audit/record.ts';
import type { Pool, Queryable } from '#database/pool.ts';
import { consumeDurable, type DurablePolicy } from '#limits/durable-counter.ts';
import { openRequireCaller, type RequireCaller } from './authenticate.ts';
import { openCsrfGuard, type CsrfGuard } from './csrf.ts';

export interface AccessConfig {
  SESSION_SECRET: readonly [string, ...string[]];
  CSRF_SECRET: readonly [string, ...string[]];
  PASSWORD_PEPPER?: readonly [string, ...string[]] | undefined;
  PASSWORD_MIN_LENGTH: number;
  ACCESS_TTL: number;
  REFRESH_GRACE: number;
  SESSION_IDLE: Record<Role, number>;
  SESSION_ABSOLUTE: Record<Role, number>;
  SESSIONS_PER_USER: number;
  STEP_UP_MINUTES: number;
  PUBLIC_URL: string;
  CLIENT_URL: string;
}

/** Everything that the routes of sign-in and sessions stand on. */
export interface Access {
  context: AccessContext & { passwordPolicy: PasswordPolicy };
  accessTokens: AccessTokens;
  apiTokens: ApiTokenDoor;
  signingKeys: SigningKeys;
  standings: SessionStandings;
  csrf: CsrfGuard;
  csrfKeys: ReturnType<typeof openKeyring>;
  requireCaller: RequireCaller;
}

/** 429 from the sixth failure of an account in a quarter of an hour, also with the right password. */
const SIGN_IN: DurablePolicy = { name: 'sign-in', points: 5, windowSeconds: 900 };

export async function openAccess(config: AccessConfig, pool: Pool): Promise<Access> {
  const keys = openKeyring(config.SESSION_SECRET);
  const csrfKeys = openKeyring(config.CSRF_SECRET);
  const pepper = config.PASSWORD_PEPPER === undefined ? undefined : openKeyring(config.PASSWORD_PEPPER);
  const standings = openSessionStandings({ pool });
  const context = {
    pool,
    record,
    keys,
    passwords: await openPasswords(pepper),
    passwordPolicy: openPasswordPolicy({ minLength: config.PASSWORD_MIN_LENGTH }),
    signInLimit: {
      consume: async (accountKey: string) => {
        const point = await consumeDurable(pool, SIGN_IN, accountKey);
        return { isLast: point.left === 0, refund: (client: Queryable) => point.refund(client) };
      },
    },
    idleSeconds: config.SESSION_IDLE,
    absoluteSeconds: config.SESSION_ABSOLUTE,
    sessionsPerUser: config.SESSIONS_PER_USER,
    refreshGraceSeconds: config.REFRESH_GRACE,
    onEnded: (sessionIds: readonly string[]) => standings.end(sessionIds),
  };
  const signingKeys = openSigningKeys(context);
  const issuer = new URL(config.PUBLIC_URL).origin;
  const accessTokens = openAccessTokens({ keys: signingKeys, issuer, ttlSeconds: config.ACCESS_TTL });
  const apiTokens = openApiTokenDoor(pool);
  return {
    context,
    accessTokens,
    apiTokens,
    signingKeys,
    standings,
    csrfKeys,
    csrf: openCsrfGuard({ origins: [issuer, new URL(config.CLIENT_URL).origin], keys: csrfKeys }),
    requireCaller: openRequireCaller({
      accessTokens,
      standings,
      apiTokens,
      stepUpMinutes: config.STEP_UP_MINUTES,
    }),
  };
}
