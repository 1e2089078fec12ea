import type { Delivery, Head, RefusalReason, Verification } from '#webhooks/provider.ts';
import { providers } from '#webhooks/providers.ts';
import type { Source } from '#webhooks/source.ts';

/** Why the head alone must be refused, before the body is read; undefined lets the body in. */
export function precheck(source: Source, head: Head): RefusalReason | undefined {
  return providers[source.provider].precheck(source, head);
}

/** Whether this request comes from the source's sender, and what is known of it then. Never throws. */
export function verify(source: Source, delivery: Delivery): Verification {
  return providers[source.provider].verify(source, delivery);
}
