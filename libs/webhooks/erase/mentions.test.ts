import { expect, it } from 'vitest';
import { openMentions } from '#webhooks/erase/mentions.ts';

const kept = (body: string) => ({ body: Buffer.from(body), headers: {}, sha256: Buffer.alloc(32) });

it.each([
  ['phone:4917012345678', '{"a":"4917012345678', true],
  ['phone:4917012345678', 'tel=%2B4917012345678&x=1', true],
  ['phone:4917012345678', '{"a":"14917012345678"}', false],
  ['phone:4917012345678', '{"a":"49170123456789"}', false],
  ['email:a.b@example.com', '{"cut":"A.B@Example.com', true],
  ['email:a.b@example.com', '{"cut":"xa.b@example.com"}', false],
  ['email:a.b@example.com', '{"cut":"a.b@example.common"}', false],
  ['email:a.b@example.com', '{"cut":"aXb@example.com"}', false],
  ['user:US.1', '{"user_id":"US.1"}', true],
  ['user:US.1', '{"user_id":"US.11"}', false],
  ['customer:12', '{"price":12}', false],
])('%s in %s: %s', (subject, body, isMentioned) => {
  expect(openMentions([subject])('nobody', kept(body))).toBe(isMentioned);
});

it('understands what a provider escapes', () => {
  const body = JSON.stringify({ id: 1, billing: { email: 'anna@example.com' } }).replace('@', String.raw`\u0040`);
  expect(openMentions(['email:anna@example.com'])('woocommerce', kept(body))).toBe(true);
  expect(openMentions(['email:berta@example.com'])('woocommerce', kept(body))).toBe(false);
});
