import { openAccessTokens, type AccessTokens } from '#access/access-tokens.ts';
import { openApiTokenDoor, type ApiTokenDoor } from '#access/api-tokens.ts';
import type { AccessContext } from '#access/context.ts';
import { openKeyring } from '#access/keyring.ts';
import { openPasswordPolicy, type PasswordPolicy } from '#access/password-policy.ts';
import { openPasswords } from '#access/passwords.ts';
import { openSessionStandings, type SessionStandings } from '#access/session-standings.ts';
import { openSigningKeys, type SigningKeys } from '#access/signing-keys.ts';
import type { Role } from '#access/user.ts';
import type { RecordEvents } from '#audit/record.ts';
import type { Pool } from '#database/pool.ts';
import { openRequireCaller, type RequireCaller } from './authenticate.ts';
import { openCsrfGuard, type CsrfGuard } from './csrf.ts';
import type { Limits } from './open-limits.ts';

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

export interface OpenAccessParts {
  config: AccessConfig;
  pool: Pool;
  record: RecordEvents;
  limits: Pick<Limits, 'signIn' | 'charge' | 'tiers'>;
}

export async function openAccess({ config, pool, record, limits }: OpenAccessParts): Promise<Access> {
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
    signInLimit: limits.signIn,
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
      charge: limits.charge,
      tiers: limits.tiers,
    }),
  };
}
