import type { SigningSender, Unsigned } from '#webhooks/provider.ts';
import { providers, type ProviderName } from '#webhooks/providers.ts';

/** The headers that a provider's own sender would add: the mirror of `verify`, for tools and tests. */
export function sign(source: SigningSender & { provider: ProviderName }, unsigned: Unsigned): Record<string, string> {
  return providers[source.provider].sign(source, unsigned);
}
