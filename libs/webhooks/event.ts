/** JSON as it comes out of the strict parser: no `__proto__`, no NUL, no lone surrogates, no unsafe integers. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/**
 * One update inside a receipt, in the shape that handlers get and `forward` sends.
 *
 * `type` is `message.received`, `message.status`, or a topic such as `order.created` where the update is understood, with `data` as
 * described beside each provider's expansion; else `<provider>.<the sender's own name>`, with the little in `data` that helps to route.
 */
export interface EventDraft {
  /** Unique within a source; at most 255 characters. */
  key: string;
  type: string;
  /** When it happened by the sender's clock. */
  occurredAt: Date | undefined;
  /** Whom it is about, for search and erasure: `phone:<digits>`, `user:<id>`, `customer:<id>`, `email:<lower-case>`. */
  subjects: string[];
  data: JsonObject;
  /** The sender's own words for this update. */
  raw: Json;
}

/** What `expand` needs of a receipt. */
export interface KeptReceipt {
  body: Buffer;
  /** SHA-256 of the body. */
  sha256: Buffer;
  /** As kept in the receipt. */
  headers: Readonly<Record<string, string>>;
}

export type MalformedReason =
  | 'encoding-invalid'
  | 'json-invalid'
  | 'json-deep'
  | 'form-invalid'
  /** More updates than one request can honestly hold. */
  | 'events-excessive';

export type Expansion = { ok: true; events: EventDraft[] } | { ok: false; reason: MalformedReason };
