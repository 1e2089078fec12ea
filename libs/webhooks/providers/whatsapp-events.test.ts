import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { NOW_MS } from '#testing/webhook-requests.ts';
import type { EventDraft, Expansion } from '#webhooks/event.ts';
import { expand } from '#webhooks/expand.ts';
import { wamidOf, whatsappBatch, whatsappMessage, whatsappStatus } from '#webhooks/providers/whatsapp-samples.ts';

function expansionOf(body: Buffer): Expansion {
  return expand('whatsapp', { body, sha256: hash('sha256', body, 'buffer'), headers: {} });
}

function eventsOf(body: Buffer | object): EventDraft[] {
  const expansion = expansionOf(Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)));
  if (!expansion.ok) throw new Error(expansion.reason);
  return expansion.events;
}

const messageEvent = (message: object): EventDraft => eventsOf(whatsappBatch([message]))[0]!;
const account = (changes: object[], more: object = {}): object => ({
  object: 'whatsapp_business_account',
  entry: [{ id: '1', ...more, changes }],
});

describe('a batch', () => {
  it('of 1,000 updates is 1,000 events, each with a key of its own', () => {
    const messages = Array.from({ length: 400 }, (_, n) => whatsappMessage(n, NOW_MS));
    const statuses = ['sent', 'delivered', 'read'].flatMap((status) =>
      Array.from({ length: 200 }, (_, n) => whatsappStatus(1_000 + n, status, NOW_MS)),
    );
    const events = eventsOf(whatsappBatch(messages, statuses));
    expect(events).toHaveLength(1_000);
    expect(new Set(events.map(({ key }) => key)).size).toBe(1_000);
    expect(events.filter(({ type }) => type === 'message.status')).toHaveLength(600);
  });

  it('may name an update twice, which is one event', () => {
    const message = whatsappMessage(1, NOW_MS);
    expect(eventsOf(whatsappBatch([message, message]))).toHaveLength(1);
  });

  it('may carry changes of several accounts and of fields that nobody knows yet', () => {
    const events = eventsOf({
      object: 'whatsapp_business_account',
      entry: [
        { id: '1', changes: [{ field: 'messages', value: { messages: [{ id: 'wamid.1' }] } }] },
        {
          id: '2',
          time: 1_700_000_000,
          changes: [{ field: 'account_update', value: { event: 'VERIFIED_ACCOUNT' } }, { field: 'new_field' }],
        },
        { id: '3', messaging: [] },
      ],
    });
    expect(events.map(({ type }) => type)).toEqual([
      'message.received',
      'whatsapp.account_update',
      'whatsapp.new_field',
      'whatsapp.unknown',
    ]);
  });

  it('of more updates than Meta could ever send is not worked on', () => {
    const statuses = Array.from({ length: 5_001 }, (_, n) => ({ id: `wamid.${n}`, status: 'sent' }));
    expect(expansionOf(whatsappBatch([], statuses))).toEqual({ ok: false, reason: 'events-excessive' });
  });
});

describe('a message', () => {
  it('has its wamid as key and the common shape of messages', () => {
    const [event] = eventsOf(whatsappBatch([whatsappMessage(1, NOW_MS)]));
    expect(event).toMatchObject({
      key: wamidOf(1),
      type: 'message.received',
      occurredAt: new Date(NOW_MS),
      subjects: ['phone:4915112345678', 'user:DE.1234567890'],
      data: {
        channel: 'whatsapp',
        account: '102290129340398',
        messageId: wamidOf(1),
        from: '4915112345678',
        fromUserId: 'DE.1234567890',
        fromName: 'Jörg',
        to: '4930123456',
        toId: '106540352242922',
        kind: 'text',
        text: 'Grüße Nr. 1 😀 café, see a/b @you <b> 50% $$ $&',
      },
    });
  });

  it('needs neither from nor wa_id: people with a username have only a user id', () => {
    const events = eventsOf(
      account([
        {
          field: 'messages',
          value: {
            contacts: [{ profile: { name: 'Ada' }, user_id: 'DE.42' }],
            messages: [
              { id: 'wamid.1', from_user_id: 'DE.42', timestamp: '1700000000', type: 'text', text: { body: 'hi' } },
            ],
          },
        },
      ]),
    );
    expect(events).toMatchObject([
      { key: 'wamid.1', subjects: ['user:DE.42'], data: { fromName: 'Ada', fromUserId: 'DE.42' } },
    ]);
  });

  it.each([
    ['button', { button: { text: 'Yes', payload: 'y' } }, 'Yes'],
    ['interactive', { interactive: { type: 'list_reply', list_reply: { id: '1', title: 'Row' } } }, 'Row'],
    ['interactive', { interactive: { type: 'button_reply', button_reply: { id: '1', title: 'OK' } } }, 'OK'],
    ['reaction', { reaction: { message_id: 'wamid.0', emoji: '👍' } }, '👍'],
    ['reaction', { reaction: { message_id: 'wamid.0' } }, undefined],
    ['image', { image: { id: '9', caption: 'Look' } }, 'Look'],
    ['hologram', { hologram: { beam: 1 } }, undefined],
  ])('of type %s is kept with its text', (type, part, text) => {
    const event = messageEvent({ id: 'wamid.1', type, ...part });
    expect([event.data['kind'], event.data['text']]).toEqual([type, text]);
    expect(event.raw).toMatchObject({ message: part });
  });

  it('with media tells id and kind, not the address', () => {
    const image = { id: '9', mime_type: 'image/jpeg', sha256: 'x', url: 'https://lookaside.example/1' };
    const { data } = messageEvent({ id: 'wamid.1', type: 'image', image });
    expect(data['media']).toEqual({ id: '9', mimeType: 'image/jpeg', sha256: 'x' });
  });

  it('about a changed number or user id is found under the old and the new one', () => {
    const changed = messageEvent({
      id: 'wamid.1',
      from: '4915100000001',
      type: 'system',
      system: { type: 'user_changed_number', customer: '4915100000001', wa_id: '4915100000002', body: 'changed' },
    });
    expect(changed.subjects).toEqual(['phone:4915100000001', 'phone:4915100000002']);
    const renamed = messageEvent({
      id: 'wamid.2',
      from_user_id: 'DE.2',
      type: 'system',
      system: { type: 'user_changed_user_id', user_id: 'DE.2', previous_user_id: 'DE.1' },
    });
    expect(renamed.subjects).toEqual(['user:DE.2', 'user:DE.1']);
  });

  it('without an id has its content as key, whatever the order of its members', () => {
    const [one, two] = [messageEvent({ type: 'text', from: '1' }), messageEvent({ from: '1', type: 'text' })];
    expect(one.key).toMatch(/^sha256:/);
    expect(two.key).toBe(one.key);
  });

  it('whose id is too long for an index has the hash of it as key', () => {
    expect(messageEvent({ id: `wamid.${'x'.repeat(300)}` }).key).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});

describe('a status', () => {
  it('has wamid and status as key, because three share one wamid', () => {
    const statuses = ['sent', 'delivered', 'read', 'failed'].map((status) => whatsappStatus(1, status, NOW_MS));
    expect(eventsOf(whatsappBatch([], statuses)).map(({ key }) => key)).toEqual([
      `${wamidOf(1)}:sent`,
      `${wamidOf(1)}:delivered`,
      `${wamidOf(1)}:read`,
      `${wamidOf(1)}:failed`,
    ]);
  });

  it('may lack the phone number', () => {
    const [event] = eventsOf(whatsappBatch([], [{ id: 'wamid.1', status: 'read', recipient_user_id: 'DE.42' }]));
    expect(event).toMatchObject({ type: 'message.status', subjects: ['user:DE.42'], data: { status: 'read' } });
  });

  it('tells why it failed', () => {
    const [event] = eventsOf(whatsappBatch([], [whatsappStatus(1, 'failed', NOW_MS)]));
    expect(event?.data['errors']).toMatchObject([{ code: 131_026 }]);
  });
});

describe('news of an account', () => {
  const change = { field: 'phone_number_quality_update', value: { current_limit: 'TIER_1K' } };

  it('is known again by its content', () => {
    const [one] = eventsOf(account([change], { time: 1 }));
    const [copy] = eventsOf(account([change], { time: 1 }));
    expect(copy?.key).toBe(one?.key);
  });

  it('is another event when the same comes at another time', () => {
    const [one] = eventsOf(account([change], { time: 1 }));
    const [later] = eventsOf(account([change], { time: 2 }));
    expect(later?.key).not.toBe(one?.key);
  });

  it('is kept when messages, statuses and errors are not what they should be', () => {
    const value = { messages: 'none', statuses: [1], errors: [{ code: 1 }] };
    expect(eventsOf(account([{ field: 'messages', value }]))).toMatchObject([{ type: 'whatsapp.messages' }]);
  });
});
