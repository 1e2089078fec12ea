import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { NOW_MS } from '#testing/webhook-requests.ts';
import type { EventDraft, Expansion, Json } from '#webhooks/event.ts';
import { expand } from '#webhooks/expand.ts';
import { providerNames, providers, type ProviderName } from '#webhooks/providers.ts';

function expansionOf(provider: ProviderName, body: string | Buffer, headers: Record<string, string> = {}): Expansion {
  const bytes = Buffer.from(body);
  return expand(provider, { body: bytes, sha256: hash('sha256', bytes, 'buffer'), headers });
}

function eventsOf(provider: ProviderName, body: string | Buffer, headers: Record<string, string> = {}): EventDraft[] {
  const expansion = expansionOf(provider, body, headers);
  if (!expansion.ok) throw new Error(expansion.reason);
  return expansion.events;
}

function eventOf(provider: ProviderName, payload: object | string, headers: Record<string, string> = {}): EventDraft {
  const events = eventsOf(provider, typeof payload === 'string' ? payload : JSON.stringify(payload), headers);
  if (events.length !== 1) throw new Error(`${events.length} events instead of one`);
  return events[0]!;
}

const hashOf = (body: string): string => `sha256:${hash('sha256', body)}`;

describe('a sample of each provider', () => {
  it.each<[ProviderName, Partial<EventDraft>]>([
    [
      'whatsapp',
      { key: 'wamid.c2FtcGxlIDU=', type: 'message.received', subjects: ['phone:4915112345678', 'user:DE.1234567890'] },
    ],
    [
      'wooalerts',
      { type: 'order.created', subjects: ['customer:7', 'email:joerg@example.com', 'phone:4915112345678'] },
    ],
    [
      'woocommerce',
      { type: 'order.created', subjects: ['customer:7', 'email:joerg@example.com', 'phone:4915112345678'] },
    ],
    ['standard-webhooks', { key: 'msg_1', type: 'contact.created', subjects: [] }],
    ['github', { type: 'github.issues.opened', subjects: ['user:octocat'] }],
    ['stripe', { key: 'evt_5', type: 'stripe.payment_intent.succeeded', subjects: ['customer:cus_7'] }],
    ['paddle', { key: 'evt_5', type: 'paddle.transaction.completed', subjects: ['customer:ctm_7'] }],
    ['shopify', { type: 'order.created', subjects: ['customer:115310627', 'email:jörg@example.com'] }],
    ['slack', { key: 'Ev5', type: 'message.received', subjects: ['user:U2147483697'] }],
    [
      'twilio',
      {
        key: `SM${'5'.padStart(32, '0')}`,
        type: 'message.received',
        subjects: ['phone:4915112345678', 'phone:4930123456'],
      },
    ],
  ])('is one event: %s', (provider, expected) => {
    const { body, headers } = providers[provider].sample(5, NOW_MS);
    expect(eventsOf(provider, body, { ...headers, 'webhook-id': 'msg_1' })).toMatchObject([expected]);
  });

  it.each(providerNames)('is made into one event of a type that is known: %s', (provider) => {
    const { body, headers } = providers[provider].sample(5, NOW_MS);
    expect(eventsOf(provider, body, headers).map(({ type }) => type)).toEqual([expect.not.stringMatching(/unknown/)]);
  });

  it('has the time of the event where the body tells it', () => {
    const times = (
      ['whatsapp', 'wooalerts', 'woocommerce', 'standard-webhooks', 'stripe', 'paddle', 'shopify', 'slack'] as const
    ).map((provider) => eventsOf(provider, providers[provider].sample(5, NOW_MS).body)[0]?.occurredAt?.getTime());
    expect(new Set(times)).toEqual(new Set([NOW_MS]));
  });
});

const order = {
  id: 7,
  number: '1007',
  status: 'processing',
  currency: 'EUR',
  total: '42.00',
  customer_id: 0,
  billing: {},
};

describe('WooCommerce', () => {
  it('names events by topic and gives orders their common shape', () => {
    const event = eventOf(
      'woocommerce',
      { ...order, billing: { email: 'A@b.example', phone: '1' } },
      { 'x-wc-webhook-topic': 'order.updated' },
    );
    expect(event.type).toBe('order.updated');
    expect(event.data).toEqual({
      id: '7',
      number: '1007',
      status: 'processing',
      currency: 'EUR',
      total: '42.00',
      customerId: '0',
      email: 'A@b.example',
      phone: '1',
    });
    expect(event.subjects).toEqual(['email:a@b.example']);
  });

  it.each([
    ['order.deleted', { id: 7 }, 'order.deleted'],
    ['customer.created', { id: 7, email: 'x@y.z' }, 'customer.created'],
    [
      'action.woocommerce_add_to_cart',
      { action: 'woocommerce_add_to_cart', arg: 1 },
      'woocommerce.action.woocommerce_add_to_cart',
    ],
    ['<script>', {}, 'woocommerce.unknown'],
    [undefined, {}, 'woocommerce.unknown'],
  ])('keeps the topic %s', (topic, payload, type) => {
    expect(eventOf('woocommerce', payload, topic === undefined ? {} : { 'x-wc-webhook-topic': topic }).type).toBe(type);
  });

  it('has the body as key, never an unsigned id', () => {
    const headers = { 'x-wc-webhook-topic': 'order.created', 'x-wc-webhook-delivery-id': 'd1' };
    expect(eventOf('woocommerce', '{"id":7}', headers).key).toBe(hashOf('{"id":7}'));
  });

  it('finds the customer by their id in customer events', () => {
    const event = eventOf('woocommerce', { id: 9, email: 'x@y.z' }, { 'x-wc-webhook-topic': 'customer.updated' });
    expect(event.subjects).toEqual(['customer:9', 'email:x@y.z']);
  });
});

describe('WooAlerts', () => {
  it.each([
    [{ event: 'order.created', order }, 'order.created', '1007'],
    [{ topic: 'order.updated', data: { order } }, 'order.updated', '1007'],
    [{ type: 'order.paid', data: order }, 'order.paid', '1007'],
    [{ event: 'Stock Low!', sku: 'x' }, 'wooalerts.unknown', undefined],
    [{ event: 'stock.low', sku: 'x' }, 'wooalerts.stock.low', undefined],
    [order, 'wooalerts.alert', '1007'],
  ])('finds name and order: %j', (payload, type, number) => {
    const event = eventOf('wooalerts', payload);
    expect([event.type, event.data['number']]).toEqual([type, number]);
  });
});

describe('Shopify', () => {
  it.each([
    ['orders/create', 'order.created'],
    ['orders/partially_fulfilled', 'shopify.orders.partially_fulfilled'],
    ['customers/redact', 'shopify.customers.redact'],
    ['constructor', 'shopify.constructor'],
    [undefined, 'shopify.unknown'],
  ])('maps the topic %s to %s', (topic, type) => {
    expect(eventOf('shopify', { id: 1 }, topic === undefined ? {} : { 'x-shopify-topic': topic }).type).toBe(type);
  });

  it('tells when it happened by the header, because a retry carries the old payload', () => {
    const headers = { 'x-shopify-topic': 'orders/create', 'x-shopify-triggered-at': '2023-11-14T22:13:20.123456789Z' };
    expect(eventOf('shopify', { id: 1 }, headers).occurredAt?.toISOString()).toBe('2023-11-14T22:13:20.123Z');
  });
});

describe('GitHub', () => {
  it.each([
    ['push', { ref: 'refs/heads/main' }, 'github.push'],
    ['issues', { action: 'opened' }, 'github.issues.opened'],
    [undefined, { action: 'opened' }, 'github.unknown'],
  ])('names %s with its action', (event, payload, type) => {
    expect(eventOf('github', payload, event === undefined ? {} : { 'x-github-event': event }).type).toBe(type);
  });

  it('reads JSON out of a form as well', () => {
    const body = `payload=${encodeURIComponent('{"action":"opened","sender":{"login":"octocat"}}')}`;
    expect(eventOf('github', body, { 'x-github-event': 'issues' })).toMatchObject({
      key: hashOf(body),
      type: 'github.issues.opened',
      subjects: ['user:octocat'],
    });
  });

  it('says what is wrong with a form that is none', () => {
    expect(expansionOf('github', 'payload=%zz')).toEqual({ ok: false, reason: 'form-invalid' });
    expect(expansionOf('github', 'payload=%7B')).toEqual({ ok: false, reason: 'json-invalid' });
  });
});

describe('Stripe', () => {
  it('keeps thin events', () => {
    const event = eventOf('stripe', {
      id: 'evt_1',
      object: 'v2.core.event',
      type: 'v1.billing.meter.error',
      created: '2023-11-14T22:13:20.000Z',
    });
    expect(event).toMatchObject({ key: 'evt_1', type: 'stripe.v1.billing.meter.error' });
    expect(event.occurredAt?.getTime()).toBe(NOW_MS);
  });

  it('finds a customer by the id of the customer itself', () => {
    const object = { id: 'cus_9', object: 'customer', email: 'C@d.example' };
    expect(eventOf('stripe', { id: 'evt_1', type: 'customer.updated', data: { object } }).subjects).toEqual([
      'customer:cus_9',
      'email:c@d.example',
    ]);
  });
});

describe('Slack', () => {
  it.each([
    [{ type: 'event_callback', event_id: 'Ev1', event: { type: 'app_mention' } }, 'Ev1', 'slack.app_mention'],
    [
      { type: 'event_callback', event_id: 'Ev2', event: { type: 'message', subtype: 'message_deleted' } },
      'Ev2',
      'slack.message',
    ],
    [{ type: 'event_callback', event_id: 'Ev3', event: { type: 'message', bot_id: 'B1' } }, 'Ev3', 'slack.message'],
    [{ type: 'app_rate_limited', team_id: 'T1' }, undefined, 'slack.app_rate_limited'],
    [{}, undefined, 'slack.unknown'],
  ])('keeps %j', (payload, key, type) => {
    const event = eventOf('slack', payload);
    expect([event.key, event.type]).toEqual([key ?? hashOf(JSON.stringify(payload)), type]);
  });

  it('takes a slash command, which is a form', () => {
    const body = 'token=x&team_id=T1&channel_id=C1&user_id=U1&command=%2Fwebhook-collect&text=now';
    expect(eventOf('slack', body)).toMatchObject({
      type: 'slack.command',
      subjects: ['user:U1'],
      data: { command: '/webhook-collect', text: 'now', channelId: 'C1', team: 'T1' },
    });
  });

  it('takes an interaction, which is JSON in a form', () => {
    const body = `payload=${encodeURIComponent('{"type":"block_actions","user":{"id":"U1"},"team":{"id":"T1"}}')}`;
    expect(eventOf('slack', body)).toMatchObject({
      type: 'slack.block_actions',
      subjects: ['user:U1'],
      data: { team: 'T1' },
    });
  });
});

describe('Standard Webhooks', () => {
  it('has the signed id as key, under either name', () => {
    expect(eventOf('standard-webhooks', '{}', { 'webhook-id': 'msg_1' }).key).toBe('msg_1');
    expect(eventOf('standard-webhooks', '{}', { 'svix-id': 'msg_2' }).key).toBe('msg_2');
  });

  it.each([
    ['user.created', 'user.created'],
    ['Invoice_Paid', 'Invoice_Paid'],
    ['a b', 'standard-webhooks.unknown'],
    ['x'.repeat(102), 'standard-webhooks.unknown'],
    [7, '7'],
    [null, 'standard-webhooks.unknown'],
  ])('names the event by its type %s', (type, expected) => {
    expect(eventOf('standard-webhooks', { type, data: { a: 1 } }).type).toBe(expected);
  });

  it('passes the data on', () => {
    expect(eventOf('standard-webhooks', { type: 'x', data: { id: 'd1' } }).data).toEqual({ id: 'd1' });
  });
});

describe('Twilio', () => {
  it.each([
    ['queued', 'pending'],
    ['sent', 'sent'],
    ['delivered', 'delivered'],
    ['read', 'read'],
    ['undelivered', 'failed'],
    ['constructor', 'constructor'],
  ])('maps the status %s to %s', (status, expected) => {
    expect(eventOf('twilio', `MessageSid=SM1&MessageStatus=${status}&To=whatsapp%3A%2B4915112345678`)).toMatchObject({
      key: `SM1:${status}`,
      type: 'message.status',
      subjects: ['phone:4915112345678'],
      data: { status: expected, channel: 'whatsapp' },
    });
  });

  it('tells the error of a failed message', () => {
    expect(eventOf('twilio', 'MessageSid=SM1&MessageStatus=failed&ErrorCode=30003').data['errors']).toEqual([
      { code: '30003' },
    ]);
  });

  it('keeps calls and forms that it does not know', () => {
    expect(eventOf('twilio', 'CallSid=CA1&From=%2B4915112345678').type).toBe('twilio.call');
    expect(eventOf('twilio', 'Foo=1')).toMatchObject({ type: 'twilio.unknown', raw: { Foo: '1' } });
  });

  it('expands a stream into its events', () => {
    const body = JSON.stringify([
      { id: 'EZ1', type: 'com.twilio.messaging.inbound-message.received', time: '2023-11-14T22:13:20.000Z', data: {} },
      { id: 'EZ2', type: 'com.twilio.messaging.message.sent', data: {} },
    ]);
    expect(eventsOf('twilio', body).map(({ key, type }) => [key, type])).toEqual([
      ['EZ1', 'twilio.messaging.inbound-message.received'],
      ['EZ2', 'twilio.messaging.message.sent'],
    ]);
  });

  it('says what is wrong with a form that is none', () => {
    expect(expansionOf('twilio', 'Body=%E0%A4%A')).toEqual({ ok: false, reason: 'form-invalid' });
  });
});

describe('a body that nobody expected', () => {
  it.each<[title: string, body: Json]>([
    ['null', null],
    ['a number', 1],
    ['a text', 'x'],
    ['an empty object', {}],
    [
      'the wrong kinds throughout',
      { entry: 1, event: [], data: 'x', order: null, id: {}, type: [], created: {}, messages: 1 },
    ],
  ])('is one event all the same: %s', (_title, body) => {
    for (const provider of providerNames.filter((name) => name !== 'twilio')) {
      const [event, ...more] = eventsOf(provider, JSON.stringify(body));
      expect(more).toEqual([]);
      expect(event?.key).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(event?.raw).toEqual(body);
    }
  });

  it.each([
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'encoding-invalid'],
    ['a byte order mark', Buffer.from('\uFEFF{}'), 'json-invalid'],
    ['half a body', Buffer.from('{"entry":['), 'json-invalid'],
    ['3 MB of open brackets', Buffer.alloc(3 * 1024 * 1024, '['), 'json-deep'],
  ] as const)('is told by a reason when it can not be read: %s', (_title, body, reason) => {
    for (const provider of [
      'whatsapp',
      'wooalerts',
      'woocommerce',
      'stripe',
      'shopify',
      'standard-webhooks',
    ] as const) {
      expect(expansionOf(provider, body)).toEqual({ ok: false, reason });
    }
  });
});
