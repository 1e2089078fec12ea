import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { inboxEvent, type InboxEvent } from '../event-inbox.ts';
import type { Running } from '../running.ts';
import { timed, type DemoRow } from './step.ts';

/** A webhook that was taken. */
export interface AcceptedDelivery {
  sent: string;
  receiptId: string;
  sentAtMs: number;
}

const FORWARD_LIMIT_MS = 10_000;

/** What arrived at the receiver for each delivery: the latency is that from the webhook's first byte to the forwarded event. */
export async function forwardedRows(
  inbox: NonNullable<Running['inbox']>,
  accepted: readonly AcceptedDelivery[],
): Promise<DemoRow[]> {
  const rows: DemoRow[] = [];
  for (const { sent, receiptId, sentAtMs } of accepted) {
    const event = await arrived(inbox, receiptId);
    rows.push({
      sent: `its event: ${sent.replace(/,.*/, '')}`,
      answer: event === undefined ? '-' : '204',
      latencyMs: event === undefined ? 0 : event.receivedAtMs - sentAtMs,
      reference: event?.id ?? '-',
      outcome: event === undefined ? 'not forwarded yet' : `forwarded: ${event.type}, signature verified`,
    });
  }
  return rows;
}

async function arrived(
  { url, token }: NonNullable<Running['inbox']>,
  receiptId: string,
): Promise<InboxEvent | undefined> {
  const giveUpAtMs = Date.now() + FORWARD_LIMIT_MS;
  for (;;) {
    const { body } = await timed(url, { headers: { authorization: `Bearer ${token}` } });
    const items = z.array(inboxEvent).parse(body['items']);
    const event = items.find((item) => item.receiptId === receiptId);
    if (event !== undefined || Date.now() > giveUpAtMs) return event;
    await sleep(50);
  }
}
