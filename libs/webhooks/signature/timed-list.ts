import type { Head, RefusalReason } from '#webhooks/provider.ts';
import { decodeHex } from '#webhooks/signature/encoding.ts';
import { oneHeader } from '#webhooks/signature/header.ts';
import { timestampFault } from '#webhooks/signature/timestamp.ts';

const ITEM = /^([a-z][a-z0-9]{0,7})=([^,;=\s]{1,200})$/;
const MAX_ITEMS = 16;
const SHA256_BYTES = 32;

/** How a header lists one time and several signatures, such as `t=<seconds>,v1=<hex>`. */
export interface TimedList {
  header: string;
  separator: ',' | ';';
  timeName: string;
  /** Of the version that counts; others are passed over. */
  signatureName: string;
}

export interface TimedClaim {
  /** As it was signed. */
  timestamp: string;
  signatures: Buffer[];
}

/** Reads the one time, which must be fresh, and all SHA-256 signatures in lower-case hex: several while a secret is changed. */
export function readTimedList(head: Head, list: TimedList): TimedClaim | RefusalReason {
  const { header: name, separator, timeName, signatureName } = list;
  const header = oneHeader(head.headers, name);
  if (typeof header === 'string') return `signature-${header}`;
  const items = header.value.split(separator, MAX_ITEMS + 1);
  if (items.length > MAX_ITEMS) return 'signature-excessive';
  const times: string[] = [];
  const signatures: Buffer[] = [];
  for (const item of items) {
    const [, key, value] = ITEM.exec(item) ?? [];
    if (key === undefined || value === undefined) return 'signature-malformed';
    if (key === timeName) times.push(value);
    if (key !== signatureName) continue;
    const signature = decodeHex(value, SHA256_BYTES);
    if (signature === undefined) return 'signature-malformed';
    signatures.push(signature);
  }
  const [timestamp] = times;
  if (timestamp === undefined) return 'timestamp-missing';
  if (times.length > 1) return 'timestamp-repeated';
  if (signatures.length === 0) return 'signature-unsupported';
  return timestampFault(timestamp, head.nowMs) ?? { timestamp, signatures };
}
