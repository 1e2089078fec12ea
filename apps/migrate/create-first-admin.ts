import { ensureFirstAdmin } from '#access/first-admin.ts';
import { openKeyring } from '#access/keyring.ts';
import { openPasswordPolicy } from '#access/password-policy.ts';
import { openPasswords } from '#access/passwords.ts';
import { record } from '#audit/record.ts';
import { openPool } from '#database/pool.ts';
import type { ProcessParts } from '#runtime/process.ts';
import type { MigrateConfig } from './settings.ts';

/** Lets somebody in: the admin of the settings, where there is no user yet. */
export async function createFirstAdmin({ stack, log }: ProcessParts, config: MigrateConfig): Promise<void> {
  const onError = (error: Error): void => log.warn({ err: error }, 'a database connection was lost');
  const pool = stack.adopt(openPool(config.DATABASE_URL, { name: 'migrate', max: 1, onError }), (opened) =>
    opened.end(),
  );
  const pepper = config.PASSWORD_PEPPER === undefined ? undefined : openKeyring(config.PASSWORD_PEPPER);
  const passwords = stack.adopt(await openPasswords(pepper), (opened) => opened.close());
  const context = {
    pool,
    record,
    passwords,
    passwordPolicy: openPasswordPolicy({ minLength: config.PASSWORD_MIN_LENGTH }),
  };
  const given = { email: config.ADMIN_EMAIL, password: config.ADMIN_PASSWORD };
  if (await ensureFirstAdmin(context, given)) log.info('the first admin was created');
}
