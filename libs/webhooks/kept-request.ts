import type { Delivery, Head } from '#webhooks/provider.ts';
import { providers } from '#webhooks/providers.ts';
import type { Source } from '#webhooks/source.ts';

/** Named as in HTTP/2: no header can have this name. Only where the URL is signed. */
const TARGET = ':path';
const MAX_CHARACTERS = 4_096;

/** What a receipt keeps of the head: the headers of the provider's allow-list, several instances joined by a comma. */
export function keptHeaders(source: Source, head: Head): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of providers[source.provider].keptHeaders(source)) {
    const values = head.headers[name];
    if (values !== undefined) kept[name] = values.join(', ').slice(0, MAX_CHARACTERS);
  }
  if (providers[source.provider].signsUrl) kept[TARGET] = `${head.path}?${head.query}`;
  return kept;
}

/** The request again as it was verified, from an accepted receipt; at its own time, so that freshness is not asked again. */
export function keptDelivery(
  source: Source,
  { headers, body, receivedAt }: { headers: Readonly<Record<string, string>>; body: Buffer; receivedAt: Date },
): Delivery {
  const target = headers[TARGET] ?? source.path;
  const queryAt = target.indexOf('?');
  const path = queryAt === -1 ? target : target.slice(0, queryAt);
  const query = queryAt === -1 ? '' : target.slice(queryAt + 1);
  const single = Object.entries(headers).map(([name, value]) => [name, [value]]);
  return { method: 'POST', path, query, headers: Object.fromEntries(single), nowMs: receivedAt.getTime(), body };
}
