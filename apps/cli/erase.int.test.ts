import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

function erase(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['apps/cli/erase.ts', ...args],
      { env: { DATABASE_URL: database.url, DATA_DIR: '/nonexistent' } },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

it('says what there is, erases it, and never prints the person', async () => {
  const draft = receiptDraft('{"phone":"4917012345678"}', {
    verdict: 'refused:signature-mismatch',
    dedupeKey: undefined,
  });
  await insertReceipts(database.pool, [draft], Date.now());
  const spelled = 'phone:+49 170 123-45678';
  expect(await erase('--subject', spelled, '--dry-run')).toEqual({
    code: 0,
    out: 'known as phone:•••78\nto be erased: 0 events, 1 receipts, 0 message statuses\n',
    err: '',
  });
  const { out } = await erase('--subject', spelled);
  expect(out).toContain('erased: 0 events, 1 receipts');
  expect((await erase('--subject', spelled)).out).toContain('erased: 0 events, 0 receipts');
});

it('exits 1 while something is still to be processed', async () => {
  await insertReceipts(database.pool, [receiptDraft('{"from":"4930111222333"}')], Date.now());
  expect(await erase('--subject', 'phone:4930111222333')).toMatchObject({
    code: 1,
    out: expect.stringContaining('not yet'),
  });
});

it.each([
  [],
  ['--subject', 'anna'],
  ['--subject', 'name:anna'],
  ['--subject', 'phone:12'],
  ['--subject', 'customer:12'],
])('exits 2 and explains itself when called with %j', async (...args) => {
  const { code, err } = await erase(...(args as string[]));
  expect(code).toBe(2);
  expect(err).toContain('npm run erase');
});
