import { randomBytes } from 'node:crypto';
import { record } from '#audit/record.ts';
import type { Pool } from '#database/pool.ts';
import { valueOf, type Environment } from '#runtime/config.ts';
import { fixedSources, parseSources, type DeclaredSource } from '#webhooks/declared-sources.ts';
import { usedLabels } from '#webhooks/label-use.ts';
import type { KeyEncoding } from '#webhooks/provider.ts';
import { providers } from '#webhooks/providers.ts';
import { MAX_SECRETS, parseSecretList } from '#webhooks/secret-list.ts';
import { collectSecretFaults, readKeys } from '#webhooks/source-keys.ts';
import { settingOf } from '#webhooks/source-settings.ts';
import { say } from './run-tool.ts';
import { openSecretStore } from './secret-store.ts';
import { UsageError } from './usage-error.ts';

const SECRET_BYTES = 32;
/** Senders try again for days, but sign anew each time. */
const QUIET_HOURS = 24;

export interface WebhookRotation {
  pool: Pool;
  env: Environment;
  source: string | undefined;
  /** What the sender has made; one is made here if undefined. */
  given: string | undefined;
  drops: boolean;
  force: boolean;
  envFile: string | undefined;
}

/** Adds a secret to those of a source, or forgets all but the newest. */
export async function rotateWebhookSecret(rotation: WebhookRotation): Promise<boolean> {
  const { pool, env, envFile, drops, given } = rotation;
  const source = declaredSource(rotation.source, env);
  const { secretSetting: setting } = source;
  const store = openSecretStore(setting, env, envFile);
  const value = store.read(setting);
  if (value === undefined)
    throw new UsageError(`${setting} is not set in ${store.place}: name its file with --env-file`);
  const items = value.split(',');
  const encoding = encodingOf(source, env);
  const fresh = given ?? freshSecret(encoding);
  if (!drops && items.length >= MAX_SECRETS)
    throw new UsageError(`there are ${MAX_SECRETS} secrets: drop the old ones first`);
  if (drops) await requireUnused(rotation, source.name, labelsOf(setting, items.slice(1).join(','), encoding));
  const next = drops ? items.slice(0, 1) : [`${freshLabel(items)}:${escaped(fresh)}`, ...items];
  // What can't be a secret of this source is refused here, not at the next start.
  labelsOf(setting, next.join(','), encoding);

  if (store.write(setting, next.join(','))) say(`✓ ${setting} was changed in ${store.place}`);
  else say(`Set this ${store.place}:\n${setting}='${next.join(',')}'`);
  const details = { step: drops ? 'drop' : 'add' };
  await record(pool, [
    { type: 'secret.rotated', actorKind: 'system', targetKind: 'setting', targetId: setting, details },
  ]);
  say('  Restart one ingress after the other now.');
  if (drops) return true;
  if (given === undefined) say(`  Then give the sender its new secret: ${fresh}`);
  say('  When the receipts show the new label alone: the same command with --drop');
  return true;
}

function declaredSource(name: string | undefined, env: Environment): DeclaredSource {
  const declared = [...fixedSources, ...parseSources(valueOf('WEBHOOK_SOURCES', env), [])];
  const source = declared.find((each) => each.name === name);
  if (source === undefined)
    throw new UsageError(`the source is one of ${declared.map((each) => each.name).join(', ')}`);
  return source;
}

function encodingOf({ name, provider, isFixed }: DeclaredSource, env: Environment): KeyEncoding {
  const own = isFixed ? undefined : valueOf(settingOf('WEBHOOK_KEY_ENCODING', name), env);
  return (own as KeyEncoding | undefined) ?? providers[provider].keyEncoding;
}

function freshSecret(encoding: KeyEncoding): string {
  const bytes = randomBytes(SECRET_BYTES);
  if (encoding === 'whsec') return `whsec_${bytes.toString('base64')}`;
  if (encoding === 'base64' || encoding === 'hex') return bytes.toString(encoding);
  return bytes.toString('base64url');
}

/** Such as r20260102, or r20260102-2 for the second of a day. */
function freshLabel(items: readonly string[]): string {
  const day = `r${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`;
  const taken = new Set(parseSecretList(items.join(','), []).map(({ label }) => label));
  for (let n = 1; ; n += 1) {
    const label = n === 1 ? day : `${day}-${n}`;
    if (!taken.has(label)) return label;
  }
}

const escaped = (secret: string): string => secret.replaceAll(',', '%2C').replaceAll(':', '%3A');

function labelsOf(setting: string, list: string, encoding: KeyEncoding): string[] {
  if (list === '') return [];
  const faults = collectSecretFaults();
  const keys = readKeys(setting, list, encoding, faults);
  if (faults.list.length > 0) throw new UsageError(faults.list.join('\n'));
  return keys.map(({ label }) => label);
}

async function requireUnused({ pool, force }: WebhookRotation, source: string, old: readonly string[]): Promise<void> {
  if (old.length === 0) throw new UsageError('there is no old secret to drop');
  const used = (await usedLabels(pool, source, QUIET_HOURS)).filter((label) => old.includes(label));
  if (used.length === 0 || force) return;
  throw new UsageError(
    `within ${QUIET_HOURS} hours requests were signed with ${used.join(', ')}: the sender may still use it. --force does not wait`,
  );
}
