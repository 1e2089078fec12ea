import { expect, it } from 'vitest';
import { networkOf } from '#audit/network-of.ts';

it.each([
  ['203.0.113.47/32', '203.0.113.0/24'],
  ['203.0.113.0/24', '203.0.113.0/24'],
  ['2001:db8:aaaa:bb00::/56', '2001:db8:aaaa::/48'],
  ['nonsense', undefined],
  [null, undefined],
])('%s lies in %s', (prefix, network) => {
  expect(networkOf(prefix)).toBe(network);
});
