import { array, assert, property, string, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#webhooks/event.ts';
import { maskHeaders, maskId, maskJson, maskSubject, maskText } from '#webhooks/mask.ts';

const WAMID = 'wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=';

const message: Json = {
  object: 'whatsapp_business_account',
  entry: [
    {
      id: '102290129340398',
      changes: [
        {
          field: 'messages',
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
            contacts: [
              { profile: { name: 'Sheena Nelson' }, wa_id: '16505551234', user_id: 'US.13491208655302741918' },
            ],
            messages: [
              {
                from: '16505551234',
                id: WAMID,
                timestamp: '1749416383',
                type: 'text',
                text: { body: 'Does it come in another color?' },
              },
              { type: 'location', location: { latitude: 48.137154, longitude: 11.576124, name: 'Marienplatz' } },
            ],
          },
        },
      ],
    },
  ],
};

it('masks who and what of a WhatsApp message, and keeps its structure, kinds and times', () => {
  expect(maskJson(message)).toEqual({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '•••98',
        changes: [
          {
            field: 'messages',
            value: {
              messaging_product: 'whatsapp',
              metadata: { display_phone_number: '•••81', phone_number_id: '•••22' },
              contacts: [{ profile: { name: '•••' }, wa_id: '•••34', user_id: '•••' }],
              messages: [
                {
                  from: '•••34',
                  id: `wamid.•••${WAMID.slice(-8)}`,
                  timestamp: '1749416383',
                  type: 'text',
                  text: { body: '•••' },
                },
                { type: 'location', location: { latitude: '•••', longitude: '•••', name: '•••' } },
              ],
            },
          },
        ],
      },
    ],
  });
});

it('masks the person of a shop order and keeps its money and its state', () => {
  const order: Json = {
    id: 727,
    status: 'processing',
    currency: 'EUR',
    date_created: '2026-03-22T16:28:02',
    total: '29.35',
    customer_note: 'leave it with the neighbour',
    billing: { first_name: 'John', email: 'john.doe@example.com', phone: '(555) 555-5555', address_1: '969 Market' },
    customer_ip_address: '203.0.113.7',
    set_paid: true,
  };
  expect(maskJson(order)).toEqual({
    id: 727,
    status: 'processing',
    currency: 'EUR',
    date_created: '2026-03-22T16:28:02',
    total: '29.35',
    customer_note: '•••',
    billing: { first_name: '•••', email: '•••@•••', phone: '•••55', address_1: '•••' },
    customer_ip_address: '•••',
    set_paid: true,
  });
});

describe('under a name that tells no more than a kind', () => {
  it.each([
    ['type', 'call me at 4917012345678'],
    ['status', 'a@b.example'],
    ['id', '4917012345678'],
    ['code', 'p4917012345678'],
    ['topic', 'Anna Smith'],
    ['id', WAMID],
    ['type', WAMID],
  ])('masks a value that is more: %s %s', (name, value) => {
    expect(JSON.stringify(maskJson({ [name]: value }))).not.toContain(value);
  });
});

it('masks members whose very name is a number or an address', () => {
  expect(maskJson({ '4917012345678': 1, 'a@b.example': { id: 'x1' } })).toEqual({
    '•••1': '•••',
    '•••2': { id: 'x1' },
  });
});

it('shows no text of five characters or more under a name it does not know, wherever it stands', () => {
  const name = stringMatching(/^x_[a-z]{1,12}$/);
  assert(
    property(array(name, { minLength: 1, maxLength: 6 }), string({ minLength: 5 }), (path, text) => {
      const value = path.reduceRight<Json>((inner, member) => ({ [member]: [inner] }), text);
      const shown = JSON.stringify(maskJson(value));
      expect(shown.includes(JSON.stringify(text).slice(1, -1)) && !path.join().includes(text)).toBe(false);
    }),
  );
});

it.each([
  ['phone:4917012345678', 'phone:•••78'],
  ['email:john.doe@example.com', 'email:•••@•••'],
  ['user:US.13491208655302741918', 'user:•••'],
  ['customer:12', 'customer:•••'],
])('keeps the kind of a subject: %s', (subject, masked) => {
  expect(maskSubject(subject)).toBe(masked);
});

it.each([
  ['evt_1NG8Du2eZvKYlo2CUI79vXWy', 'evt_1NG8Du2eZvKYlo2CUI79vXWy'],
  [`sha256:${'0123456789abcdef'.repeat(4)}`, `sha256:${'0123456789abcdef'.repeat(4)}`],
  [WAMID, `wamid.•••${WAMID.slice(-8)}`],
  [`${WAMID}:read`, `wamid.•••${`${WAMID}:read`.slice(-8)}`],
  ['4917012345678:1', '•••'],
  ['Anna Smith', '•••'],
])('keeps an event key that can not hold a person: %s', (key, masked) => {
  expect(maskId(key)).toBe(masked);
});

it("tells nothing of a short message id, whose end would hold the phone's digits", () => {
  expect(maskText('wamid.HBgLMTY1MDM4Nzk0MzkV')).toBe('wamid.•••');
});

it('masks signatures in headers, and the query of a signed target', () => {
  expect(
    maskHeaders({
      'x-hub-signature-256': 'sha256=00ff',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'user-agent': 'GitHub-Hookshot/044aadd',
      ':path': '/api/webhooks/calls?From=%2B4917012345678',
    }),
  ).toEqual({
    'x-hub-signature-256': '•••',
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'user-agent': 'GitHub-Hookshot/044aadd',
    ':path': '/api/webhooks/calls',
  });
});
