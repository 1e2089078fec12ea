import { defineEntity, p } from '@mikro-orm/core';
import type { Queryable } from '#database/pool.ts';
import { networkOf } from '#audit/network-of.ts';
import type { SealedEvent } from '#audit/read-sealed.ts';

/** What is found out about an event after it was written; no seal covers it (table audit_context). */
export const EventContextEntity = defineEntity({
  name: 'EventContext',
  tableName: 'audit_context',
  properties: {
    eventId: p.uuid().primary(),
    /** Such as `Firefox on Linux`. */
    device: p.text().nullable(),
    /** The wider network of the address: /24 or /48. */
    network: p.text().nullable(),
  },
});

/** The labels of the devices that sessions were begun on, by session id. */
export type DeviceLabels = (client: Queryable, sessionIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;

const INSERT = `
  insert into audit_context (event_id, device, network)
  select id, device, network from jsonb_to_recordset($1::jsonb) as found (id uuid, device text, network text)
  on conflict (event_id) do nothing`;

/** Finds out the device and network of sealed events, and keeps them beside the chain. */
export async function addContext(
  client: Queryable,
  events: readonly SealedEvent[],
  deviceLabels: DeviceLabels,
): Promise<void> {
  const present = events.flatMap(({ event }) => (event === undefined ? [] : [event]));
  const sessionIds = present.filter(({ targetKind }) => targetKind === 'session').map(({ targetId }) => targetId ?? '');
  const labels = await deviceLabels(client, [...new Set(sessionIds)]);
  const found = present.flatMap(({ id, targetKind, targetId, addressPrefix }) => {
    const device = targetKind === 'session' ? labels.get(targetId ?? '') : undefined;
    const network = networkOf(addressPrefix);
    return device === undefined && network === undefined ? [] : [{ id, device, network }];
  });
  if (found.length > 0) await client.query(INSERT, [JSON.stringify(found)]);
}
