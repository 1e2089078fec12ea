import { expect, it } from 'vitest';
import type { Pool } from '#database/pool.ts';
import type { Producer } from '#queue/producer.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import { relayedUploads } from './relayed-tables.ts';

/** Uploads of which one can't be had from the database. */
function openUploads(isReady: boolean) {
  const asked: unknown[] = [];
  const pool = {
    query: async ({ values: [first] }: { values: unknown[] }) => {
      asked.push(first);
      if (first === 'broken') throw new Error('broken');
      return { rows: [], rowCount: 0 };
    },
  } as unknown as Pool;
  const scanning = () => ({ pool, guard: { state: { isReady } } }) as unknown as ScanParts;
  return { asked, table: relayedUploads({ pool, producer: {} as Producer, scanning }) };
}

it('does the work on every upload, also where one of them fails', async () => {
  const { asked, table } = openUploads(false);
  const ids = ['broken', 'b', 'c', 'd', 'e', 'f'];
  await expect(table.work(ids)).rejects.toThrow('broken');
  expect(new Set(asked)).toEqual(new Set(ids));
});

it('takes no more uploads at a time than keep other tables waiting for a moment', async () => {
  const { asked, table } = openUploads(true);
  await table.claim({ limit: 256 });
  expect(asked).toEqual([64]);
});
