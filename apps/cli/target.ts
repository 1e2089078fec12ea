import type { KeyObject } from 'node:crypto';
import type { KeyEncoding } from '#webhooks/provider.ts';
import { isProviderName, providers, type ProviderName } from '#webhooks/providers.ts';
import { readSources } from '#webhooks/sources.ts';
import { keyEncodings } from '#webhooks/key.ts';
import type { Source } from '#webhooks/source.ts';
import type { RunningSystem } from './running-system.ts';
import { signingKeysOf } from './signing-keys.ts';
import { UsageError } from './usage-error.ts';

export interface TargetOptions {
  provider: string | undefined;
  source?: string | undefined;
  url?: string | undefined;
  secret?: string | undefined;
  'key-encoding'?: string | undefined;
  'allow-remote'?: boolean | undefined;
}

/** Where a tool sends to and what it signs with. */
export interface Target {
  source: Source;
  keys: readonly KeyObject[];
  /** Of the source's route. */
  url: URL;
}

/** Finds the source that is meant: by its name, else the only one of that provider. */
export function targetOf(options: TargetOptions, system: RunningSystem): Target {
  const provider = providerOf(options.provider);
  const source = sourceOf(provider, options.source, system);
  const encoding = encodingOf(options['key-encoding']) ?? providers[provider].keyEncoding;
  const keys =
    options.secret === undefined
      ? source.keys.map(({ key }) => key).filter((key) => key.type === 'secret')
      : signingKeysOf(options.secret, encoding);
  if (keys.length === 0)
    throw new UsageError('the source has public keys only: give its private key with --secret whsk_…');
  return { source, keys, url: urlOf(options, source, system) };
}

export function providerOf(name: string | undefined): ProviderName {
  if (name !== undefined && isProviderName(name)) return name;
  throw new UsageError(`the first argument is one of ${Object.keys(providers).join(', ')}`);
}

export function encodingOf(name: string | undefined): KeyEncoding | undefined {
  const encoding = keyEncodings.find((each) => each === name);
  if (name !== undefined && encoding === undefined) {
    throw new UsageError(`--key-encoding is one of ${keyEncodings.join(', ')}`);
  }
  return encoding;
}

function sourceOf(provider: ProviderName, name: string | undefined, { env }: RunningSystem): Source {
  const sources = [...readSources(env).values()].filter((source) => source.provider === provider);
  const named = name === undefined ? sources : sources.filter((source) => source.name === name);
  const [source, ...others] = named;
  if (source === undefined)
    throw new UsageError(`no source of ${provider} is set: see WEBHOOK_SOURCES and its secrets`);
  if (others.length === 0) return source;
  throw new UsageError(`--source is one of ${named.map((each) => each.name).join(', ')}`);
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

function urlOf(options: TargetOptions, source: Source, { ingress }: RunningSystem): URL {
  const base = options.url ?? ingress;
  if (!URL.canParse(base)) throw new UsageError('--url is not a URL');
  const url = new URL(source.path, base);
  if (!LOOPBACK.test(url.hostname) && options['allow-remote'] !== true) {
    throw new UsageError(`${url.hostname} is not this machine: say --allow-remote if it is yours`);
  }
  return url;
}
