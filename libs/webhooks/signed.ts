import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type {
  Delivery,
  Head,
  Provider,
  RefusalReason,
  Reply,
  Sender,
  SourceKey,
  Verified,
} from '#webhooks/provider.ts';

/** How a provider signs what it POSTs. */
export interface Scheme<Claim extends object> {
  /** What the head claims, in strict grammar, or why it must be refused. */
  claim(sender: Sender, head: Head): Claim | RefusalReason;
  /** The key that proves the claim for this body. */
  prove(sender: Sender, delivery: Delivery, claim: Claim): SourceKey | RefusalReason;
  /** What is equal for copies, where a signature covers more or less than the body; 32 bytes. */
  dedupeKey?(sender: Sender, delivery: Delivery, claim: Claim): Buffer;
  textId?(head: Head): string | undefined;
  /** What a proven request is, if not simply accepted. */
  recognise?(delivery: Delivery): { verdict: Verified['verdict']; reply?: Reply } | undefined;
  reply?(delivery: Delivery): Reply | undefined;
}

/** By way of a string: a digest that Node gives as a buffer has memory of its own, which costs more than hashing 0.8 KB. */
export const sha256 = (bytes: Buffer | string): Buffer => Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');

/** The checks of a provider whose every request is a signed POST: head, signature, then the body's encoding. */
export function signed<Claim extends object>(scheme: Scheme<Claim>): Pick<Provider, 'methods' | 'precheck' | 'verify'> {
  const claimOf = (sender: Sender, head: Head): Claim | RefusalReason =>
    head.method === 'POST' ? scheme.claim(sender, head) : 'method-unsupported';
  return {
    methods: ['POST'],
    precheck(sender, head) {
      const claim = claimOf(sender, head);
      return typeof claim === 'string' ? claim : undefined;
    },
    verify(sender, delivery) {
      const claim = claimOf(sender, delivery);
      if (typeof claim === 'string') return { ok: false, reason: claim };
      if (delivery.body.length === 0) return { ok: false, reason: 'body-empty' };
      const proof = scheme.prove(sender, delivery, claim);
      if (typeof proof === 'string') return { ok: false, reason: proof };
      if (!isUtf8(delivery.body)) return { ok: false, reason: 'body-invalid' };
      const recognised = scheme.recognise?.(delivery);
      const bodyHash = sha256(delivery.body);
      return {
        ok: true,
        verdict: recognised?.verdict ?? 'accepted',
        secretLabel: proof.label,
        dedupeKey: scheme.dedupeKey?.(sender, delivery, claim) ?? bodyHash,
        sha256: bodyHash,
        textId: scheme.textId?.(delivery),
        reply: recognised === undefined ? scheme.reply?.(delivery) : recognised.reply,
      };
    },
  };
}
