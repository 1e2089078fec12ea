import type { AccessContext } from '#access/context.ts';
import { openKeyring } from '#access/keyring.ts';
import { openPasswordPolicy, type PasswordPolicy } from '#access/password-policy.ts';
import { openHashGate } from '#access/hash-gate.ts';
import { refreshSession, type Refreshed } from '#access/refresh-session.ts';
import { readRefreshToken } from '#access/refresh-token-text.ts';
import type { Client } from '#access/start-session.ts';
import { record } from '#audit/record.ts';
import type { Pool } from '#database/pool.ts';
import { testSecrets } from '#testing/secrets.ts';

export const TEST_PASSWORD = 'correct horse battery staple 42';

export type TestAccess = AccessContext & { passwordPolicy: PasswordPolicy };

export const testClient: Client = {
  device: { kind: 'id', value: 'device-of-the-tests' },
  userAgent: 'test/1',
  addressPrefix: '198.18.0.1/32',
};

/** The parts of access on a real database; sign-in is not limited and hashes nothing, for races are about the rows. */
export function openTestAccess(pool: Pool, changed: Partial<TestAccess> = {}): TestAccess {
  return {
    pool,
    record,
    keys: openKeyring([testSecrets.SESSION_SECRET]),
    passwords: {
      gate: openHashGate({ permits: 1, maxWaiting: 1 }),
      make: async (password) => ({ hash: `plain ${password}`, pepperId: null }),
      isRight: async (stored, password) => stored?.hash === `plain ${password}`,
      isOutdated: () => false,
      close: async () => undefined,
    },
    passwordPolicy: openPasswordPolicy({ minLength: 15 }),
    signInLimit: {
      consume: async () => ({ isLast: false, refund: async () => undefined, withdraw: async () => undefined }),
    },
    idleSeconds: { user: 3_600, agent: 3_600, admin: 3_600 },
    absoluteSeconds: { user: 7_200, agent: 7_200, admin: 7_200 },
    sessionsPerUser: 10,
    refreshGraceSeconds: 30,
    onEnded: () => undefined,
    ...changed,
  };
}

/** Refreshes by the text of a token. */
export function refreshText(context: TestAccess, text: string, client = testClient): Promise<Refreshed> {
  const presented = readRefreshToken(context.keys, text);
  if (presented === undefined) throw new Error('the test presents a token that is not authentic');
  return refreshSession(context, { presented, client, waitedSeconds: () => 0 });
}
