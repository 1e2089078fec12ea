import { afterAll, beforeAll, expect, it } from 'vitest';
import { binaryArray, bytea, int4, jsonb, text, timestamptz, uuid, type ElementType } from '#database/binary-array.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const ids = [newId(), newId()];
const types: { name: string; type: ElementType<never>; values: unknown[]; expected?: unknown[] }[] = [
  { name: 'uuid', type: uuid, values: ids },
  { name: 'text', type: text, values: ['', 'NULL', '"a",{b}\\', 'grüße 🔒', 'x'.repeat(100_000)] },
  { name: 'jsonb', type: jsonb, values: ['{"a":"ä\\"{}"}', '[]'], expected: [{ a: 'ä"{}' }, []] },
  {
    name: 'bytea',
    type: bytea,
    values: [Buffer.alloc(0), Buffer.from([0, 0xff, 0x5c, 0x22]), Buffer.alloc(1_000_000)],
  },
  { name: 'int', type: int4, values: [0, -1, 2_147_483_647, -2_147_483_648] },
  {
    name: 'timestamptz',
    type: timestamptz,
    values: [0, 946_684_800_000, Date.UTC(2026, 10, 24, 7, 8, 9, 123), -1],
    expected: [0, 946_684_800_000, Date.UTC(2026, 10, 24, 7, 8, 9, 123), -1].map((ms) => new Date(ms)),
  },
];

it.each(types)(
  'hands over $name as PostgreSQL has it, in order, null included',
  async ({ name, type, values, expected }) => {
    const given = [undefined, ...values] as never[];
    const { rows } = await database.pool.query<{ value: unknown }>(`select value from unnest($1::${name}[]) as value`, [
      binaryArray(type, given),
    ]);
    expect(rows.map(({ value }) => value)).toEqual([null, ...(expected ?? values)]);
  },
);

it('hands over an empty array', async () => {
  const { rows } = await database.pool.query('select from unnest($1::int[])', [binaryArray(int4, [])]);
  expect(rows).toEqual([]);
});
