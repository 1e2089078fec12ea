import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import type { Delivery, SourceKey, Unsigned } from '#webhooks/provider.ts';
import type { ProviderName } from '#webhooks/providers.ts';
import { sign } from '#webhooks/sign.ts';
import type { Source } from '#webhooks/source.ts';

/** 2023-11-14T22:13:20Z. */
export const NOW_MS = 1_700_000_000_000;

export const secretKey = (text: string | Buffer, label = 'only'): SourceKey => ({
  label,
  key: createSecretKey(Buffer.from(text)),
});

/** An Ed25519 pair from a fixed seed, so that signatures are the same in every run. */
export function ed25519Pair(seed: Buffer): { privateKey: KeyObject; publicKey: SourceKey } {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: { label: 'public', key: createPublicKey(privateKey) } };
}

const STRONG = 'kD4vQ8xZ1mN7pR2tY6wB9cF3hJ5sL0aG';

/** A source of one provider with a strong key, as if read from settings. */
export function testSource(provider: ProviderName, overrides: Partial<Source> = {}): Source {
  return {
    name: provider,
    provider,
    path: `/api/webhooks/${provider}`,
    keys: [secretKey(STRONG)],
    verifyTokens: [],
    outage: '503',
    maxBytes: 3 * 1024 * 1024,
    signatureHeader: 'x-wooalerts-signature',
    signatureEncoding: 'hex',
    publicUrl: 'https://in.example.com',
    ...overrides,
  };
}

/** A request with the given headers, each once, that is not signed. */
export function deliveryTo(
  source: Source,
  body: string | Buffer,
  headers: Record<string, string | string[]> = {},
): Delivery {
  const distinct = Object.entries(headers).map(([name, value]) => [name, [value].flat()]);
  return {
    method: 'POST',
    path: source.path,
    query: '',
    headers: Object.fromEntries(distinct),
    nowMs: NOW_MS,
    body: Buffer.from(body),
  };
}

/** A request as the source's sender would make it, signed with one of the source's keys or with another one. */
export function signedDelivery(
  source: Source,
  body: string | Buffer,
  { key = source.keys[0]?.key, query = '', ...overrides }: Partial<Unsigned> & { key?: KeyObject; query?: string } = {},
): Delivery {
  if (key === undefined) throw new Error('a source without keys signs nothing');
  const url = `${source.publicUrl}${source.path}${query === '' ? '' : `?${query}`}`;
  const unsigned = { body: Buffer.from(body), nowMs: NOW_MS, id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W', url, ...overrides };
  return { ...deliveryTo(source, body, sign({ ...source, key }, unsigned)), query };
}
