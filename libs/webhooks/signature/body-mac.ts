import type { Delivery, Head, RefusalReason, Sender, SourceKey } from '#webhooks/provider.ts';
import type { Scheme } from '#webhooks/signed.ts';
import { decodeBase64, decodeHex } from '#webhooks/signature/encoding.ts';
import { oneHeader } from '#webhooks/signature/header.ts';
import { matchHmac } from '#webhooks/signature/hmac.ts';

const SHA256_BYTES = 32;

export interface MacClaim {
  signature: Buffer;
}

/** HMAC-SHA256 over the body alone, in one header. */
export function bodyMac(read: (sender: Sender, head: Head) => MacClaim | RefusalReason): Scheme<MacClaim> {
  return { claim: read, prove };
}

function prove(sender: Sender, { body }: Delivery, { signature }: MacClaim): SourceKey | RefusalReason {
  return matchHmac('sha256', sender.keys, [signature], [body]) ?? 'signature-mismatch';
}

/** Reads `<prefix><64 lower-case hex digits>`. */
export function hexMac(head: Head, name: string, prefix: string): MacClaim | RefusalReason {
  const header = oneHeader(head.headers, name);
  if (typeof header === 'string') return `signature-${header}`;
  if (!header.value.startsWith(prefix)) return 'signature-malformed';
  const signature = decodeHex(header.value.slice(prefix.length), SHA256_BYTES);
  return signature === undefined ? 'signature-malformed' : { signature };
}

/** Reads 44 characters of canonical base64. */
export function base64Mac(head: Head, name: string): MacClaim | RefusalReason {
  const header = oneHeader(head.headers, name);
  if (typeof header === 'string') return `signature-${header}`;
  const signature = decodeBase64(header.value, SHA256_BYTES);
  return signature === undefined ? 'signature-malformed' : { signature };
}
