import type { Outage, Sender } from '#webhooks/provider.ts';
import type { ProviderName } from '#webhooks/providers.ts';

/** A name under which one sender delivers, with all that is needed to tell whether it was that sender. */
export interface Source extends Sender {
  name: string;
  provider: ProviderName;
  /** The exact path of its route. */
  path: string;
  outage: Outage;
  maxBytes: number;
}
