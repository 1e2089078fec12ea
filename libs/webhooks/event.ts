/** JSON as it comes out of the strict parser: no `__proto__`, no NUL, no lone surrogates, no unsafe integers. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/**
 * One update inside a receipt, in the shape that handlers get and `forward` sends.
 *
 * | type | data |
 * | --- | --- |
 * | `message.received` | MessageData (whatsapp, twilio, slack) |
 * | `message.status` | MessageStatusData (whatsapp, twilio) |
 * | `order.created`, `order.updated`, … | OrderData (woocommerce, shopify, wooalerts) |
 * | `customer.created`, `product.updated`, … | `{ id, topic }` (woocommerce, shopify) |
 * | any type of a Standard Webhooks sender | its `data` |
 * | `upload.clean`, `upload.infected`, … | UploadVerdictData (source `uploads`, without a receipt) |
 * | `<provider>.<the sender's own name>` | the little that helps to route; all of it is in `raw` |
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

/** A message that somebody sent us. What the sender left out is left out here. */
export interface MessageData {
  channel: 'whatsapp' | 'sms' | 'slack';
  /** The sender's name for our account. */
  account?: string | undefined;
  messageId?: string | undefined;
  /** Telephone number as the provider writes it. Missing for people who have only a user id. */
  from?: string | undefined;
  fromUserId?: string | undefined;
  fromName?: string | undefined;
  to?: string | undefined;
  toId?: string | undefined;
  /** `text`, `image`, … in the provider's words; new ones will come. */
  kind?: string | undefined;
  text?: string | undefined;
  /** Without an address to fetch from: that would be the sender's to choose. */
  media?: JsonObject | undefined;
  replyTo?: string | undefined;
}

/** How far a message that we sent has come; see message-status.ts for the order of statuses. */
export interface MessageStatusData {
  channel: 'whatsapp' | 'sms';
  account?: string | undefined;
  messageId?: string | undefined;
  status?: string | undefined;
  recipient?: string | undefined;
  recipientUserId?: string | undefined;
  sender?: string | undefined;
  senderId?: string | undefined;
  errors?: Json | undefined;
}

/** What shops agree on in an order; amounts stay the texts that they are. */
export interface OrderData {
  id?: string | undefined;
  number?: string | undefined;
  status?: string | undefined;
  currency?: string | undefined;
  total?: string | undefined;
  customerId?: string | undefined;
  email?: string | undefined;
  phone?: string | undefined;
  name?: string | undefined;
}

/** How an upload ended. A verdict may come before an earlier one: the higher version holds. */
export interface UploadVerdictData {
  uploadId: string;
  version: number;
  ticketId: string;
  ownerId: string;
  /** `clean`, `infected`, `rejected`, `unscannable`, `scan-failed` or `expired`. */
  status: string;
  reason?: string | undefined;
  detail?: string | undefined;
  originalName: string;
  /** In bytes. */
  size: number;
  /** In hex. */
  sha256: string;
  /** What it was verified to be. */
  type?: string | undefined;
  verification?: string | undefined;
  warnings: string[];
  signatures?: string | undefined;
}
