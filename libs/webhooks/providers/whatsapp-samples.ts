import { escapeLikePhp } from '#webhooks/sample-json.ts';
import { secondsText } from '#webhooks/signature/timestamp.ts';

/** One message as it stands in `value.messages`, with the accents, slashes and at signs that naive verifiers fail on. */
export function whatsappMessage(n: number, nowMs: number): object {
  return {
    from: '4915112345678',
    from_user_id: 'DE.1234567890',
    id: wamidOf(n),
    timestamp: secondsText(nowMs),
    type: 'text',
    text: { body: `Grüße Nr. ${n} 😀 café, see a/b @you <b> 50% $$ $&` },
  };
}

/** One status as it stands in `value.statuses`. */
export function whatsappStatus(n: number, status: string, nowMs: number): object {
  return {
    id: wamidOf(n),
    status,
    timestamp: secondsText(nowMs),
    recipient_id: '4915112345678',
    recipient_user_id: 'DE.1234567890',
    pricing: { billable: true, pricing_model: 'PMP', category: 'service' },
    ...(status === 'failed' ? { errors: [{ code: 131_026, title: 'Message undeliverable' }] } : {}),
  };
}

export function wamidOf(n: number): string {
  return `wamid.${Buffer.from(`sample ${n}`).toString('base64')}`;
}

/** A body as Meta's serialiser writes it, with any number of messages and statuses in it. */
export function whatsappBatch(messages: readonly object[], statuses: readonly object[] = []): Buffer {
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: '4930123456', phone_number_id: '106540352242922' },
    contacts: [{ profile: { name: 'Jörg' }, wa_id: '4915112345678', user_id: 'DE.1234567890' }],
    ...(messages.length > 0 ? { messages } : {}),
    ...(statuses.length > 0 ? { statuses } : {}),
  };
  const payload = {
    object: 'whatsapp_business_account',
    entry: [{ id: '102290129340398', changes: [{ field: 'messages', value }] }],
  };
  return Buffer.from(escapeLikeMeta(JSON.stringify(payload)));
}

/** Meta escapes these too (Graph API, "Getting started with webhooks"). */
function escapeLikeMeta(text: string): string {
  return escapeLikePhp(text)
    .replaceAll('<', String.raw`\u003C`)
    .replaceAll('%', String.raw`\u0025`)
    .replaceAll('@', String.raw`\u0040`);
}
