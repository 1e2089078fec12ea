import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { openKeyring } from '#access/keyring.ts';
import { resealSigningKeys } from '#access/reseal-signing-keys.ts';
import { retireSigningKeys, rotateSigningKey } from '#access/rotate-signing-key.ts';
import { lastRotation } from '#audit/last-rotation.ts';
import { record } from '#audit/record.ts';
import { databaseSettings, openPool, type Pool } from '#database/pool.ts';
import { environment, readConfig, secretList, type Environment } from '#runtime/config.ts';
import { accessSettings } from '#access/settings.ts';
import { findRunningSystem } from './running-system.ts';
import { rotated, type RotationStep } from './rotation.ts';
import { rotateWebhookSecret } from './rotate-webhook-secret.ts';
import { runTool, say } from './run-tool.ts';
import { openSecretStore, type SecretStore } from './secret-store.ts';
import { UsageError } from './usage-error.ts';

const USAGE = `npm run rotate -- session-secret | csrf-secret [--use | --drop] [--env-file .env]
npm run rotate -- webhook <source> [--drop] [--secret-stdin] [--env-file .env.sources]
npm run rotate -- signing-key [--retire]

  session-secret, csrf-secret   in three steps that sign nobody out; restart one process after the other after each:
                    (none)      makes a new secret that every process verifies with
                    --use       lets the new one make what is signed
                    --drop      forgets the old one
  webhook           a new secret beside the old ones; tell the sender, and forget the old ones with --drop
  signing-key       publishes a new key for access tokens, which signs an hour later; --retire ends all keys at once

  --env-file …      the file that sets the secret; by default what npm start has generated
  --secret-stdin    the new secret was made by the sender
  --force           drops although the old secret is still in use`;

const SECRET_BYTES = 48;
const settings = { 'session-secret': 'SESSION_SECRET', 'csrf-secret': 'CSRF_SECRET' } as const;

await runTool(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      use: { type: 'boolean', default: false },
      drop: { type: 'boolean', default: false },
      retire: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      'secret-stdin': { type: 'boolean', default: false },
      'env-file': { type: 'string' },
    },
  });
  const [what = '', source, ...more] = positionals;
  const { env } = findRunningSystem(environment());
  const { DATABASE_URL } = readConfig({ ...databaseSettings }, env);
  const pool = openPool(DATABASE_URL, { name: 'rotate-tool', max: 1, onError: () => undefined });
  try {
    if (more.length > 0 || (values.use && values.drop)) throw new UsageError('one thing at a time');
    if (what === 'signing-key') {
      return await rotateKey(pool, openSecretStore('SESSION_SECRET', env, values['env-file']), values.retire);
    }
    if (what === 'webhook') {
      const given = values['secret-stdin'] ? (await text(process.stdin)).trim() : undefined;
      return await rotateWebhookSecret({
        pool,
        env,
        source,
        given,
        drops: values.drop,
        force: values.force,
        envFile: values['env-file'],
      });
    }
    if (!Object.hasOwn(settings, what)) throw new UsageError('what is to be rotated?');
    const setting = settings[what as keyof typeof settings];
    const step: RotationStep = values.use ? 'use' : values.drop ? 'drop' : 'add';
    const store = openSecretStore(setting, env, values['env-file']);
    return await rotateSecret({ pool, env, store, setting, step, force: values.force });
  } finally {
    await pool.end();
  }
});

interface SecretRotation {
  pool: Pool;
  env: Environment;
  store: SecretStore;
  setting: 'SESSION_SECRET' | 'CSRF_SECRET';
  step: RotationStep;
  force: boolean;
}

async function rotateSecret({ pool, env, store, setting, step, force }: SecretRotation): Promise<boolean> {
  const list = store.read(setting)?.split(',') ?? [];
  if (list.length === 0) throw new UsageError(`${setting} is not set in ${store.place}: name its file with --env-file`);
  const next = rotated(list, step, randomBytes(SECRET_BYTES).toString('base64url'));
  if (step === 'drop' && setting === 'SESSION_SECRET') {
    await requireOldSessionsGone(pool, env, force);
    const keys = openKeyring(secretList(32).parse(list.join(',')));
    const count = await resealSigningKeys({ pool, keys });
    say(`✓ ${count} signing key${count === 1 ? ' was' : 's were'} sealed with the new secret`);
  }
  tellPlace(store, setting, next.join(','));
  await record(pool, [
    { type: 'secret.rotated', actorKind: 'system', targetKind: 'setting', targetId: setting, details: { step } },
  ]);
  say('  Restart one process after the other now.');
  if (step === 'add') say('  Then: the same command with --use');
  if (step === 'use') say('  Then, when nothing of the old secret is in use any more: the same command with --drop');
  return true;
}

/** A session keeps a token of the secret it was last refreshed under; the oldest end by themselves. */
async function requireOldSessionsGone(pool: Pool, env: Environment, force: boolean): Promise<void> {
  const { SESSION_ABSOLUTE } = readConfig({ SESSION_ABSOLUTE: accessSettings.SESSION_ABSOLUTE }, env);
  const usedAt = await lastRotation(pool, 'SESSION_SECRET', 'use');
  const endMs = (usedAt?.getTime() ?? Date.now()) + Math.max(...Object.values(SESSION_ABSOLUTE)) * 1_000;
  if (endMs <= Date.now() || force) return;
  throw new UsageError(
    `sessions that were not refreshed since --use would end; the last of them ends by itself on ${new Date(endMs).toISOString()}. --force does not wait`,
  );
}

function tellPlace(store: SecretStore, setting: string, value: string): void {
  if (store.write(setting, value)) say(`✓ ${setting} was changed in ${store.place}`);
  else say(`Set this ${store.place}:\n${setting}='${value}'`);
}

async function rotateKey(pool: Pool, store: SecretStore, retires: boolean): Promise<boolean> {
  const secret = store.read('SESSION_SECRET');
  if (secret === undefined)
    throw new UsageError(`SESSION_SECRET is not set in ${store.place}: name its file with --env-file`);
  const context = { pool, record, keys: openKeyring(secretList(32).parse(secret)) };
  if (retires) {
    const retired = await retireSigningKeys(context);
    say(`✓ ${retired.length} key${retired.length === 1 ? '' : 's'} verify no longer; a new one signs from now on`);
  } else {
    await rotateSigningKey(context);
    say('✓ a new key was published; it signs from an hour on, and what the old one signed stays valid');
  }
  return true;
}
