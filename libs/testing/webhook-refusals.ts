import { describe, expect, it } from 'vitest';
import { signedDelivery } from '#testing/webhook-requests.ts';
import type { Delivery, RefusalReason } from '#webhooks/provider.ts';
import { providers } from '#webhooks/providers.ts';
import type { Source } from '#webhooks/source.ts';
import { precheck, verify } from '#webhooks/verify.ts';

/** One way in which a request can be wrong, and the reason that its receipt must name. */
export interface Refusal {
  title: string;
  source: Source;
  delivery: Delivery;
  reason: RefusalReason;
}

/** Holds what the signature must be right for: text beyond ASCII, and the patterns of string replacement. */
export const BODY = '{"id":"evt_1","text":"Grüße 😀 $$ $&"}';

export function signatureHeaderOf(source: Source): string {
  return providers[source.provider].signatureHeaderOf(source);
}

/** A good request with one header replaced; `undefined` takes it away. */
export function withHeader(delivery: Delivery, name: string, ...values: string[]): Delivery {
  const { [name]: _old, ...rest } = delivery.headers;
  return { ...delivery, headers: values.length === 0 ? rest : { ...rest, [name]: values } };
}

export type Form = readonly [title: string, change: (good: string) => string[], reason: RefusalReason];

/** Rows that change the signature header of an otherwise good request. */
export function signatureRefusals(source: Source, body: string, forms: readonly Form[]): Refusal[] {
  const good = signedDelivery(source, body);
  const name = signatureHeaderOf(source);
  return forms.map(([title, change, reason]) => ({
    title: `${source.provider} in ${name}: ${title}`,
    source,
    delivery: withHeader(good, name, ...change(good.headers[name]?.[0] ?? '')),
    reason,
  }));
}

/** What can be told only once the body is there. */
const NEEDS_BODY = /^(?:body-|signature-mismatch$|token-mismatch$)/;

/** Each is refused for its own reason; what its head shows already before the body is read. */
export function describeRefusals(title: string, rows: readonly Refusal[]): void {
  // oxlint-disable-next-line vitest/valid-title -- the caller's title is a string
  describe(title, () => {
    it.each(rows.map((row) => [row.title, row.reason, row] as const))(
      '%s: %s',
      (_title, reason, { source, delivery }) => {
        expect(verify(source, delivery)).toEqual({ ok: false, reason });
      },
    );

    const early = rows.filter((row) => !NEEDS_BODY.test(row.reason) && !mayBePing(row));
    if (early.length === 0) return;
    it('what the head shows is refused before the body is read', () => {
      const reasons = early.map(({ source, delivery }) => precheck(source, delivery));
      expect(reasons).toEqual(early.map(({ reason }) => reason));
    });
  });
}

/** Without a signature and a length, only its body shows whether WooCommerce is pinging. */
function mayBePing({ source, reason }: Refusal): boolean {
  return source.provider === 'woocommerce' && reason === 'signature-missing';
}
