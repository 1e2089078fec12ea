import { z } from 'zod';
import { networkOf } from '#audit/network-of.ts';
import { record, type RecordEvents } from '#audit/record.ts';

export const recordSettings = {
  /** How much of a client's address security events hold: /32 or /56, /24 or /48, or nothing. */
  AUDIT_ADDRESSES: z.enum(['prefix', 'network', 'none'], 'must be prefix, network or none').default('prefix'),
};

/** `record` with as much of each address as is wanted. */
export function openRecord(addresses: 'prefix' | 'network' | 'none'): RecordEvents {
  if (addresses === 'prefix') return record;
  return (client, events) =>
    record(
      client,
      events.map(({ addressPrefix, ...event }) => {
        const network = addresses === 'network' ? networkOf(addressPrefix ?? null) : undefined;
        return network === undefined ? event : { ...event, addressPrefix: network };
      }),
    );
}
