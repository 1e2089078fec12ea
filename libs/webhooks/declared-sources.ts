import { ownSource } from '#webhooks/insert-own-events.ts';
import { isProviderName, providers, type ProviderName } from '#webhooks/providers.ts';
import { settingOf } from '#webhooks/source-settings.ts';

/** A source by name, before its own settings are read. */
export interface DeclaredSource {
  name: string;
  provider: ProviderName;
  path: string;
  secretSetting: string;
  /** Undefined for providers without a GET challenge. */
  tokenSetting: string | undefined;
  /** A source with a route of its own is off while it has no secret; one that was declared must have one. */
  isFixed: boolean;
}

export const fixedSources: readonly DeclaredSource[] = [
  {
    name: 'whatsapp',
    provider: 'whatsapp',
    path: '/api/whatsapp/webhook',
    secretSetting: 'WHATSAPP_APP_SECRET',
    tokenSetting: 'WHATSAPP_VERIFY_TOKEN',
    isFixed: true,
  },
  {
    name: 'wooalerts',
    provider: 'wooalerts',
    path: '/api/wooalerts-webhook',
    secretSetting: 'WOOALERTS_WEBHOOK_SECRET',
    tokenSetting: undefined,
    isFixed: true,
  },
];

const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Reads WEBHOOK_SOURCES, such as `shop:woocommerce,code:github`. */
export function parseSources(list: string | undefined, faults: string[]): DeclaredSource[] {
  const sources = new Map<string, DeclaredSource>();
  for (const [index, item] of (list?.split(',') ?? []).entries()) {
    const source = parseSource(item.trim());
    if (typeof source === 'string') faults.push(`WEBHOOK_SOURCES: item ${index + 1} ${source}`);
    else if (sources.has(source.name)) faults.push(`WEBHOOK_SOURCES: names ${source.name} twice`);
    else sources.set(source.name, source);
  }
  return [...sources.values()];
}

/** Faults don't repeat the item: somebody may have put a secret there. */
function parseSource(item: string): DeclaredSource | string {
  const [name = '', provider = '', ...rest] = item.split(':');
  if (rest.length > 0 || provider === '') return 'is not of the form name:provider';
  if (!NAME.test(name)) return 'has a name that is not [a-z][a-z0-9-]{0,31}';
  if (name.endsWith('-file')) return 'has a name that ends in -file, which settings use for files';
  if (fixedSources.some((fixed) => fixed.name === name))
    return `has the name ${name}, which belongs to a route of its own`;
  if (name === ownSource) return `has the name ${ownSource}, which is that of verdicts on uploads`;
  if (!isProviderName(provider)) {
    return `has a provider other than ${Object.keys(providers).join(', ')}`;
  }
  const hasChallenge = providers[provider].methods.includes('GET');
  return {
    name,
    provider,
    path: `/api/webhooks/${name}`,
    secretSetting: settingOf('WEBHOOK_SECRET', name),
    tokenSetting: hasChallenge ? settingOf('WEBHOOK_VERIFY_TOKEN', name) : undefined,
    isFixed: false,
  };
}
