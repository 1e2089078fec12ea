import { expect, it } from 'vitest';
import { isCsrfTokenOf, makeCsrfToken } from '#access/csrf-token.ts';
import { openKeyring } from '#access/keyring.ts';

const keyring = openKeyring(['the first secret of this test 0001']);
const token = makeCsrfToken(keyring, 'session-a');
const same = (text: string) => ({ cookie: text, header: text });

it('is good for its session, as long as its secret is known', () => {
  expect(isCsrfTokenOf(keyring, 'session-a', same(token))).toBe(true);
  const rotated = openKeyring(['the second secret of this test 002', 'the first secret of this test 0001']);
  expect(isCsrfTokenOf(rotated, 'session-a', same(token))).toBe(true);
  expect(isCsrfTokenOf(openKeyring(['the second secret of this test 002']), 'session-a', same(token))).toBe(false);
});

it('is another one each time', () => {
  expect(makeCsrfToken(keyring, 'session-a')).not.toBe(token);
});

it.each([
  ['for another session', 'session-b', same(token)],
  ['without the header', 'session-a', { cookie: token, header: undefined }],
  ['without the cookie', 'session-a', { cookie: undefined, header: token }],
  ['where both differ', 'session-a', { cookie: token, header: makeCsrfToken(keyring, 'session-a') }],
  ['made up', 'session-a', same(`v1.${keyring.first.id}.${'A'.repeat(22)}.${'A'.repeat(22)}`)],
  ['cut', 'session-a', same(token.slice(0, -1))],
  ['empty', 'session-a', same('')],
])('is refused %s', (_, sessionId, given) => {
  expect(isCsrfTokenOf(keyring, sessionId, given)).toBe(false);
});
