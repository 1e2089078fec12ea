import { expect, it } from 'vitest';
import type { Pool } from '#database/pool.ts';
import { acceptUpload, type UploadFacts } from '#uploads/accept-upload.ts';
import type { IncomingFile } from '#uploads/storage.ts';

const facts: UploadFacts = {
  ownerId: '00000000-0000-7000-8000-000000000001',
  ticketId: 'T-1',
  originalName: 'a.txt',
  extension: 'txt',
  declaredType: undefined,
  idempotencyKey: undefined,
};
const admission = {
  uploadId: '00000000-0000-7000-8000-000000000002',
  accepted: () => undefined,
  release: () => undefined,
};

async function failWith({ commit, query }: { commit: () => Promise<void>; query: () => Promise<never> }) {
  let isRemoved = false;
  const incoming: IncomingFile = {
    name: 'a'.repeat(64),
    write: () => undefined,
    commit,
    abort: async () => {
      isRemoved = true;
    },
  };
  const parts = { pool: { query } as unknown as Pool, commitInTurn: <T>(work: () => Promise<T>) => work() };
  const received = { incoming, sizeBytes: 1, sha256: Buffer.alloc(32) };
  const accepted = acceptUpload(parts, facts, received, { expectedSha256: undefined, admission });
  await expect(accepted).rejects.toThrow('broken');
  return isRemoved;
}

const broken = async (): Promise<never> => {
  throw new Error('broken');
};

it('removes and closes a file that could not be made durable', async () => {
  expect(await failWith({ commit: broken, query: broken })).toBe(true);
});

it('keeps a file whose row may have been committed although the answer was lost', async () => {
  expect(await failWith({ commit: async () => undefined, query: broken })).toBe(false);
});
