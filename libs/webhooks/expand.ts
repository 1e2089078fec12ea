import type { EventDraft, Expansion, KeptReceipt } from '#webhooks/event.ts';
import { providers, type ProviderName } from '#webhooks/providers.ts';

/** Meta sends at most 1,000 updates in a request. */
const MAX_EVENTS = 5_000;

/** The events in a verified receipt, each key once. Never throws: what can't be read is `ok: false` with a reason. */
export function expand(provider: ProviderName, receipt: KeptReceipt): Expansion {
  const expansion = providers[provider].expand(receipt);
  if (!expansion.ok) return expansion;
  if (expansion.events.length > MAX_EVENTS) return { ok: false, reason: 'events-excessive' };
  const first = new Map<string, EventDraft>();
  for (const event of expansion.events) if (!first.has(event.key)) first.set(event.key, event);
  return { ok: true, events: [...first.values()] };
}
