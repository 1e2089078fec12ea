import type { z } from 'zod';
import { ConfigError, environment, readConfig, valueOf, type Environment, type Settings } from '#runtime/config.ts';
import { fixedSources, parseSources, type DeclaredSource } from '#webhooks/declared-sources.ts';
import { providers } from '#webhooks/providers.ts';
import { readKeys, readTokens, type SecretFaults, collectSecretFaults } from '#webhooks/source-keys.ts';
import { perSourceSettings, settingOf, sourceSettings, strayFaults } from '#webhooks/source-settings.ts';
import type { Source } from '#webhooks/source.ts';

/** Every source that is on, under its exact path. */
export type Sources = ReadonlyMap<string, Source>;

/**
 * Reads all sources. A fixed source whose secret is unset is off and not among them.
 * @throws ConfigError listing every fault of every source.
 */
export function readSources(env: Environment = environment()): Sources {
  const faults = collectSecretFaults();
  const reader = { env, faults, settings: readOrDefaults(sourceSettings, env, faults.list) };
  const declared = [...fixedSources, ...parseSources(valueOf('WEBHOOK_SOURCES', env), faults.list)];
  const sources = declared.map((each) => readSource(each, reader)).filter((source) => source !== undefined);
  faults.list.push(...strayFaults(namesReadBy(declared), env));
  if (faults.list.length > 0) throw new ConfigError([...new Set(faults.list)]);
  return new Map(sources.map((source) => [source.path, source]));
}

interface Reader {
  env: Environment;
  faults: SecretFaults;
  settings: z.infer<z.ZodObject<typeof sourceSettings>>;
}

function readSource(declared: DeclaredSource, { env, faults, settings }: Reader): Source | undefined {
  const { name, path, secretSetting, tokenSetting } = declared;
  const provider = providers[declared.provider];
  const own = readOwn(name, env, faults.list);
  const secrets = valueOf(secretSetting, env, faults.list);
  if (secrets === undefined) {
    if (!declared.isFixed) faults.list.push(`${secretSetting}: required, because WEBHOOK_SOURCES declares ${name}`);
    return undefined;
  }
  const tokens = tokenSetting === undefined ? undefined : valueOf(tokenSetting, env, faults.list);
  if (provider.signsUrl && settings.PUBLIC_URL === undefined) {
    faults.list.push(`PUBLIC_URL: required, because ${declared.provider} signs the URL that ${name} is reached under`);
  }
  return {
    name,
    provider: declared.provider,
    path,
    keys: readKeys(secretSetting, secrets, own.WEBHOOK_KEY_ENCODING ?? provider.keyEncoding, faults),
    verifyTokens: tokenSetting === undefined || tokens === undefined ? [] : readTokens(tokenSetting, tokens, faults),
    outage: own.WEBHOOK_OUTAGE ?? provider.outage,
    maxBytes: own.WEBHOOK_MAX_BYTES ?? settings.WEBHOOK_MAX_BYTES,
    signatureHeader: settings.WOOALERTS_SIGNATURE_HEADER,
    signatureEncoding: settings.WOOALERTS_SIGNATURE_ENCODING,
    publicUrl: settings.PUBLIC_URL?.replace(/\/+$/, ''),
  };
}

const { WEBHOOK_KEY_ENCODING, WEBHOOK_OUTAGE, WEBHOOK_MAX_BYTES, WEBHOOK_RETENTION_DAYS } = perSourceSettings;
const OWN = { WEBHOOK_KEY_ENCODING, WEBHOOK_OUTAGE, WEBHOOK_MAX_BYTES, WEBHOOK_RETENTION_DAYS };
type OwnName = keyof typeof OWN;
type Own = z.infer<z.ZodObject<typeof OWN>>;

/** The settings of one source under their bare names. */
function readOwn(source: string, env: Environment, faults: string[]): Own {
  const names = Object.keys(OWN) as OwnName[];
  const full = names.map((name) => [settingOf(name, source), OWN[name]] as const);
  const values: Record<string, unknown> = readOrDefaults(Object.fromEntries(full), env, faults);
  return Object.fromEntries(names.map((name) => [name, values[settingOf(name, source)]]));
}

/** Notes what is faulty and goes on with the defaults, so that the faults of everything else are found as well. */
function readOrDefaults<S extends Settings>(settings: S, env: Environment, faults: string[]): z.infer<z.ZodObject<S>> {
  try {
    return readConfig(settings, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(...error.faults);
    return readConfig(settings, {});
  }
}

function namesReadBy(declared: readonly DeclaredSource[]): Set<string> {
  const own = Object.keys(OWN) as OwnName[];
  return new Set(
    declared.flatMap(({ name, secretSetting, tokenSetting }) => [
      secretSetting,
      ...(tokenSetting === undefined ? [] : [tokenSetting]),
      ...own.map((setting) => settingOf(setting, name)),
    ]),
  );
}
