import { createSecretKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import type { ProviderName } from '#webhooks/providers.ts';
import { sign } from '#webhooks/sign.ts';
import type { Running } from '../running.ts';
import { forwardedRows, type AcceptedDelivery } from './forwarded-events.ts';
import type { Demonstration, DemoRow } from './step.ts';

const WORKER_LIMIT_MS = 10_000;

interface Delivery {
  sent: string;
  provider: ProviderName;
  path: string;
  secret: string;
  body: string;
}

/** Signs and sends webhooks as their senders do, and shows what the worker made of them. */
export async function demonstrateWebhooks(running: Running, client: Queryable): Promise<Demonstration> {
  const { WHATSAPP_APP_SECRET: whatsapp = '', WOOALERTS_WEBHOOK_SECRET: wooalerts = '' } = running.settings;
  const path = '/api/whatsapp/webhook';
  const message = {
    provider: 'whatsapp',
    path,
    secret: firstSecretOf(whatsapp),
    body: whatsappMessage(newId()),
  } as const;
  const deliveries: Delivery[] = [
    { ...message, sent: 'WhatsApp message, signed' },
    { ...message, sent: 'the same one again' },
    {
      ...message,
      sent: 'one with a wrong signature',
      body: whatsappMessage(newId()),
      secret: `${message.secret}-wrong`,
    },
  ];
  if (wooalerts !== '') {
    deliveries.push({
      sent: 'WooAlerts order, signed',
      provider: 'wooalerts',
      path: '/api/wooalerts-webhook',
      secret: firstSecretOf(wooalerts),
      body: wooalertsOrder(newId()),
    });
  }
  const rows: DemoRow[] = [];
  const accepted: AcceptedDelivery[] = [];
  for (const delivery of deliveries) {
    const sentAtMs = Date.now();
    const row = await send(running.addresses.ingress, delivery);
    rows.push(row);
    if (row.answer === '200') accepted.push({ sent: row.sent, receiptId: row.reference, sentAtMs });
  }
  for (const row of rows) row.outcome = await outcomeOf(client, row.reference);
  if (running.inbox !== undefined) rows.push(...(await forwardedRows(running.inbox, accepted)));
  return { title: 'Webhooks', rows };
}

async function send(origin: string, { sent, provider, path, secret, body }: Delivery): Promise<DemoRow> {
  const source = {
    provider,
    signatureHeader: 'x-wooalerts-signature',
    signatureEncoding: 'hex',
    key: createSecretKey(Buffer.from(secret)),
  } as const;
  const headers = sign(source, { body: Buffer.from(body), nowMs: Date.now(), id: '', url: origin + path });
  const startedAt = performance.now();
  const response = await fetch(origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const latencyMs = performance.now() - startedAt;
  const verdict = response.headers.get('x-receipt-verdict');
  return {
    sent,
    answer: verdict === null ? String(response.status) : `${response.status} ${verdict}`,
    latencyMs,
    reference: response.headers.get('x-receipt-id') ?? '-',
    outcome: '',
  };
}

/** Waits until the receipt and its events are through. */
async function outcomeOf(client: Queryable, receiptId: string): Promise<string> {
  const giveUpAtMs = Date.now() + WORKER_LIMIT_MS;
  for (;;) {
    const { rows } = await client.query<{ verdict: string; state: string; events: string | null; waits: boolean }>(
      `select verdict, state,
              (select string_agg(type || ' ' || state, ', ') from webhook_event where receipt_id = $1) as events,
              exists (select from webhook_event where receipt_id = $1 and state = 'open') as waits
       from webhook_log where id = $1`,
      [receiptId],
    );
    const [receipt] = rows;
    const isThrough = receipt?.state !== 'open' && receipt?.waits === false;
    if (receipt !== undefined && (isThrough || (receipt.state !== 'open' && Date.now() > giveUpAtMs))) {
      return receipt.verdict === 'accepted' ? `${receipt.state}: ${receipt.events ?? 'no event'}` : receipt.verdict;
    }
    if (Date.now() > giveUpAtMs) return receipt === undefined ? 'no receipt' : `still ${receipt.state}`;
    await sleep(50);
  }
}

/** Of `[label:]secret[,…]` the first secret. */
function firstSecretOf(setting: string): string {
  const [first = ''] = setting.split(',');
  const secret = first.slice(first.indexOf(':') + 1);
  return secret.replaceAll(/%2c/gi, ',').replaceAll(/%3a/gi, ':');
}

/** The shape of Meta's "text message" example (WhatsApp Cloud API, webhooks reference), non-ASCII escaped as Meta does. */
function whatsappMessage(id: string): string {
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
    contacts: [{ profile: { name: 'Sheena Nelson' }, wa_id: '16505551234', user_id: 'US.13491208655302741918' }],
    messages: [
      {
        from: '16505551234',
        id: `wamid.${Buffer.from(id).toString('base64')}`,
        timestamp: String(Math.floor(Date.now() / 1_000)),
        type: 'text',
        text: { body: 'Does it come in another colour? 🙂 / à bientôt' },
        from_user_id: 'US.13491208655302741918',
      },
    ],
  };
  const body = {
    object: 'whatsapp_business_account',
    entry: [{ id: '102290129340398', changes: [{ value, field: 'messages' }] }],
  };
  return JSON.stringify(body)
    .replaceAll('/', String.raw`\/`)
    .replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function wooalertsOrder(id: string): string {
  return JSON.stringify({
    event: 'order.created',
    order: { id, number: '1042', status: 'processing', currency: 'EUR', total: '59.90', customer: 'Sheena Nelson' },
  });
}
