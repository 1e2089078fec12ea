import { expect, it } from 'vitest';
import { openRecord } from '#audit/record-addresses.ts';

it.each([
  ['prefix', '203.0.113.47/32', '203.0.113.47/32'],
  ['network', '203.0.113.47/32', '203.0.113.0/24'],
  ['network', '2001:db8:aaaa:bb00::/56', '2001:db8:aaaa::/48'],
  ['network', undefined, undefined],
  ['none', '203.0.113.47/32', undefined],
] as const)('%s of %s is %s', async (addresses, given, written) => {
  let values: string[] = [];
  const query = (statement: { values: string[] }): void => {
    ({ values } = statement);
  };
  const event = { type: 'login.failed', actorKind: 'anonymous' } as const;
  await openRecord(addresses)({ query } as never, [given === undefined ? event : { ...event, addressPrefix: given }]);
  const [row] = JSON.parse(values[0] ?? '[]') as { type: string; address_prefix?: string }[];
  expect([row?.type, row?.address_prefix]).toEqual(['login.failed', written]);
});
