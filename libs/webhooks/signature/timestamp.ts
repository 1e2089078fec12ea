import type { Head, RefusalReason } from '#webhooks/provider.ts';
import { oneHeader } from '#webhooks/signature/header.ts';

/** A signed time may be this far from ours, in both directions. */
export const TOLERANCE_SECONDS = 300;
const UNIX_SECONDS = /^\d{10}$/;

/** A time as senders sign it. */
export function secondsText(ms: number): string {
  return String(Math.floor(ms / 1000));
}

/** What is wrong with a signed time, as text: it is the text that was signed, so it is never parsed leniently. */
export function timestampFault(text: string, nowMs: number): RefusalReason | undefined {
  if (!UNIX_SECONDS.test(text)) return 'timestamp-malformed';
  const aheadSeconds = Number(text) - Math.floor(nowMs / 1000);
  if (aheadSeconds > TOLERANCE_SECONDS) return 'timestamp-ahead';
  return aheadSeconds < -TOLERANCE_SECONDS ? 'timestamp-old' : undefined;
}

/** The text of a fresh timestamp header, or why there is none. */
export function freshTimestamp(head: Head, name: string): { text: string } | RefusalReason {
  const header = oneHeader(head.headers, name);
  if (typeof header === 'string') return `timestamp-${header}`;
  return timestampFault(header.value, head.nowMs) ?? { text: header.value };
}
