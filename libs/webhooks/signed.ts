import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type {
  Delivery,
  Head,
  Provider,
  RefusalReason,
  Reply,
  Source,
  SourceKey,
  Verified,
} from '#webhooks/provider.ts';

/** How a provider signs what it POSTs. */
export interface Scheme<Claim extends object> {
  /** What the head claims, in strict grammar, or why it must be refused. */
  claim(source: Source, head: Head): Claim | RefusalReason;
  /** The key that proves the claim for this body. */
  prove(source: Source, delivery: Delivery, claim: Claim): SourceKey | RefusalReason;
  /** What is equal for copies, where a signature covers more or less than the body; 32 bytes. */
  dedupeKey?(source: Source, delivery: Delivery, claim: Claim): Buffer;
  textId?(head: Head): string | undefined;
  /** What a proven request is, if not simply accepted. */
  recognise?(delivery: Delivery): { verdict: Verified['verdict']; reply?: Reply } | undefined;
  reply?(delivery: Delivery): Reply | undefined;
}

export const sha256 = (bytes: Buffer | string): Buffer => hash('sha256', bytes, 'buffer');

/** The checks of a provider whose every request is a signed POST: head, signature, then the body's encoding. */
export function signed<Claim extends object>(scheme: Scheme<Claim>): Pick<Provider, 'methods' | 'precheck' | 'verify'> {
  const claimOf = (source: Source, head: Head): Claim | RefusalReason =>
    head.method === 'POST' ? scheme.claim(source, head) : 'method-unsupported';
  return {
    methods: ['POST'],
    precheck(source, head) {
      const claim = claimOf(source, head);
      return typeof claim === 'string' ? claim : undefined;
    },
    verify(source, delivery) {
      const claim = claimOf(source, delivery);
      if (typeof claim === 'string') return { ok: false, reason: claim };
      if (delivery.body.length === 0) return { ok: false, reason: 'body-empty' };
      const proof = scheme.prove(source, delivery, claim);
      if (typeof proof === 'string') return { ok: false, reason: proof };
      if (!isUtf8(delivery.body)) return { ok: false, reason: 'body-invalid' };
      const recognised = scheme.recognise?.(delivery);
      const bodyHash = sha256(delivery.body);
      return {
        ok: true,
        verdict: recognised?.verdict ?? 'accepted',
        secretLabel: proof.label,
        dedupeKey: scheme.dedupeKey?.(source, delivery, claim) ?? bodyHash,
        sha256: bodyHash,
        textId: scheme.textId?.(delivery),
        reply: recognised === undefined ? scheme.reply?.(delivery) : recognised.reply,
      };
    },
  };
}
