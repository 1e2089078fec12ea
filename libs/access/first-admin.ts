import { inTransaction } from '#database/pool.ts';
import { ConfigError } from '#runtime/config.ts';
import type { AccessContext } from '#access/context.ts';
import { canonicalEmail } from '#access/email.ts';
import type { PasswordPolicy } from '#access/password-policy.ts';
import { insertUser } from '#access/users.ts';

/** Lets one process at a time look whether there is a user; any constant will do. */
const FIRST_ADMIN_LOCK = 4_000_245;

/**
 * Creates the admin of ADMIN_EMAIL and ADMIN_PASSWORD if there is no user at all.
 * @returns whether it was created.
 * @throws ConfigError if there is no user and the settings can't make one.
 */
export async function ensureFirstAdmin(
  context: Pick<AccessContext, 'pool' | 'record' | 'passwords'> & { passwordPolicy: PasswordPolicy },
  given: { email: string | undefined; password: string | undefined },
): Promise<boolean> {
  const { rowCount } = await context.pool.query('select 1 from app_user limit 1');
  if (rowCount !== 0 || (given.email === undefined && given.password === undefined)) return false;
  const email = canonicalEmail(given.email ?? '');
  if (email === undefined) throw new ConfigError(['ADMIN_EMAIL: must be an e-mail address']);
  const password = given.password ?? '';
  const fault = context.passwordPolicy.faultOf(password, [email]);
  if (fault !== undefined) throw new ConfigError([`ADMIN_PASSWORD: ${fault}`]);
  const made = await context.passwords.make(password);
  return inTransaction(context.pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [FIRST_ADMIN_LOCK]);
    const users = await client.query('select 1 from app_user limit 1');
    if (users.rowCount !== 0) return false;
    const admin = { email, name: 'Admin', role: 'admin', made } as const;
    await insertUser(context, client, admin, { actorKind: 'system' });
    return true;
  });
}
