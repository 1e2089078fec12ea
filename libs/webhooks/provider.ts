import type { KeyObject } from 'node:crypto';
import type { Expansion, KeptReceipt } from '#webhooks/event.ts';

/** What is known of a request before its body is read. */
export interface Head {
  method: string;
  /** As received, without the query. */
  path: string;
  /** As received, without the question mark. */
  query: string;
  /** As in `IncomingMessage.headersDistinct`: lower-case names, every instance apart. */
  headers: NodeJS.Dict<string[]>;
  nowMs: number;
}

/** A request as received; the body in full and byte for byte. */
export interface Delivery extends Head {
  body: Buffer;
}

/** How a setting's text becomes key bytes. Never guessed from the value. */
export type KeyEncoding = 'utf8' | 'base64' | 'hex' | 'whsec' | 'html-decoded';

/** One active secret of a source. The key itself can't be printed by accident: a KeyObject shows no bytes. */
export interface SourceKey {
  /** The operator's label, else the first 8 hex digits of the SHA-256 of the key. */
  label: string;
  /** Of type `secret` for HMAC, `public` for Ed25519. */
  key: KeyObject;
}

/** A token that is compared, not a key: kept as its SHA-256. */
export interface SourceToken {
  label: string;
  sha256: Buffer;
}

/** What to answer while PostgreSQL can't commit: 503, or 200 after a synced write to the local spool. */
export type Outage = '503' | 'spool';

/** What a provider must know to tell whether it was its sender that made a request. */
export interface Sender {
  /** At least one. All of them verify. */
  keys: readonly SourceKey[];
  /** Only for providers with a GET challenge; may be empty, then every challenge is refused. */
  verifyTokens: readonly SourceToken[];
  /** Only wooalerts reads these two. */
  signatureHeader: string;
  signatureEncoding: 'hex' | 'base64';
  /** Origin and path prefix without trailing slash; some sign the URL that they were given. */
  publicUrl: string | undefined;
}

/** Why a request is refused. A receipt's verdict is `refused:<reason>`; the sender never learns it. */
export type RefusalReason =
  | 'source-unknown'
  | 'method-unsupported'
  | 'signature-missing'
  | 'signature-repeated'
  | 'signature-malformed'
  /** Well-formed, but of no version that this source has a key for. */
  | 'signature-unsupported'
  /** More signatures in one header than are looked at. */
  | 'signature-excessive'
  | 'signature-mismatch'
  | 'timestamp-missing'
  | 'timestamp-repeated'
  | 'timestamp-malformed'
  | 'timestamp-old'
  | 'timestamp-ahead'
  | 'id-missing'
  | 'id-repeated'
  | 'id-malformed'
  | 'challenge-malformed'
  | 'token-mismatch'
  | 'body-empty'
  /** Signed by the right key, but no text of the provider's kind: invalid UTF-8. */
  | 'body-invalid'
  /** The signed URL names another body. */
  | 'body-mismatch';

/** A body for the 200, where the provider wants one. */
export interface Reply {
  contentType: 'text/plain; charset=utf-8' | 'text/xml; charset=utf-8';
  text: string;
}

export interface Verified {
  ok: true;
  verdict: 'accepted' | 'challenge' | 'ping';
  /** Which secret or verify token matched; undefined for what carries none (WooCommerce's ping). */
  secretLabel: string | undefined;
  /** 32 bytes that are equal for copies; undefined where copies are not to be recognised. */
  dedupeKey: Buffer | undefined;
  /** SHA-256 of the body. */
  sha256: Buffer;
  /** An id that the signature doesn't cover: for search only. */
  textId: string | undefined;
  reply: Reply | undefined;
}

export interface Refused {
  ok: false;
  reason: RefusalReason;
}

export type Verification = Verified | Refused;

/** What a sender knows before it signs. */
export interface Unsigned {
  body: Buffer;
  nowMs: number;
  /** Only standard-webhooks signs it. */
  id: string;
  /** As the sender was told it, query included; only for providers with `signsUrl`. */
  url: string;
}

/** What a sender signs with: a secret key, or for Ed25519 the private one. */
export type SigningSender = Pick<Sender, 'signatureHeader' | 'signatureEncoding'> & { key: KeyObject };

/** A request in a provider's real shape, before it is signed. */
export interface Sample {
  body: Buffer;
  /** Those beside the signature. */
  headers: Record<string, string>;
}

/** For docs/providers.md, in its words. */
export interface ProviderWords {
  signature: string;
  /** By what a copy is recognised. */
  copies: string;
  /** Why its `outage` is what it is: what its sender does after a 503. */
  afterwards: string;
}

/** One kind of sender, with all that is known of it. Pure: nothing here waits, stores or throws, whatever the input. */
export interface Provider {
  words: ProviderWords;
  methods: readonly ('GET' | 'POST')[];
  /** Lower-case names of the headers that a receipt keeps; all that `verify` and `expand` read again is among them. */
  keptHeaders(sender: Sender): readonly string[];
  /** What the head alone shows to be wrong, so that it can be refused before the body is read. */
  precheck(sender: Sender, head: Head): RefusalReason | undefined;
  /** Does all that `precheck` does, too. */
  verify(sender: Sender, delivery: Delivery): Verification;
  /** Turns a verified body into events. Run in the worker. */
  expand(receipt: KeptReceipt): Expansion;
  keyEncoding: KeyEncoding;
  outage: Outage;
  /** The header that the signature is in. */
  signatureHeaderOf(sender: Sender): string;
  /** Whether the URL is signed too: then PUBLIC_URL must be known, and receipts keep path and query. */
  signsUrl: boolean;
  /** The headers that the sender adds: the mirror of `verify`. */
  sign(sender: SigningSender, unsigned: Unsigned): Record<string, string>;
  /** What the sender sends; with different `n` different requests. */
  sample(n: number, nowMs: number): Sample;
}
