import { randomBytes } from 'node:crypto';
import { mkdtempSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openLog } from '#runtime/log.ts';
import { startTestS3 } from '#testing/s3.ts';
import { sha256Of, storeFile } from '#testing/store-file.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import { openS3Storage } from '#uploads/s3/s3-storage.ts';
import { zones, type Storage, type StoredBytes } from '#uploads/storage.ts';

interface OpenedStorage extends AsyncDisposable {
  storage: Storage;
}

/** Every storage there is: what is said here, callers rely on. */
const storages: Record<string, () => Promise<OpenedStorage>> = {
  async 'a local disk'() {
    const stack = new AsyncDisposableStack();
    const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-storage-'));
    stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
    const storage = stack.use(await openLocalStorage(dataDir));
    return { storage, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  },
  async S3() {
    const stack = new AsyncDisposableStack();
    const s3 = stack.use(await startTestS3());
    const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-storage-'));
    stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
    const log = openLog({ name: 'test', level: 'silent' });
    const storage = stack.use(await openS3Storage({ place: s3.place, dataDir, log }));
    return { storage, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  },
};

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const CONTENT = randomBytes(300_000);
const DIGEST = sha256Of(CONTENT);

describe.each(Object.keys(storages))('storage on %s', (kind) => {
  let opened: OpenedStorage;
  let storage: Storage;
  let scratch: string;
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'portcullis-backup-'));
    opened = await storages[kind]!();
    storage = opened.storage;
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function within<T>(name: string, use: (file: StoredBytes) => Promise<T>): Promise<T> {
    const file = await storage.open('quarantine', name);
    if (file === undefined) throw new Error('it is not there');
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }

  const wholeOf = async (chunks: Promise<AsyncIterable<Buffer>>): Promise<Buffer> =>
    Buffer.concat(await Array.fromAsync(await chunks));

  it('gives back what it was given, whole, twice, and its size and digest', async () => {
    const name = await storeFile(storage, CONTENT);
    await within(name, async (file) => {
      expect(file.sizeBytes).toBe(CONTENT.length);
      expect(await wholeOf(file.read())).toEqual(CONTENT);
      expect(await wholeOf(file.read())).toEqual(CONTENT);
      expect(await file.digest()).toEqual(DIGEST);
    });
  });

  it.each([
    [0, 0],
    [0, 299_999],
    [1, 131_072],
    [131_071, 262_144],
    [299_999, 299_999],
  ])('gives the bytes %d to %d', async (start, end) => {
    const name = await storeFile(storage, CONTENT);
    const range = await within(name, (file) => wholeOf(file.read({ start, end })));
    expect(range).toEqual(CONTENT.subarray(start, end + 1));
  });

  it('does not mind a reader that goes away', async () => {
    const name = await storeFile(storage, CONTENT);
    await within(name, async (file) => {
      for await (const chunk of await file.read()) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    });
    expect(await within(name, (file) => file.digest())).toEqual(DIGEST);
  });

  it('gives a descriptor for reading at any place, and reads on afterwards', async () => {
    const name = await storeFile(storage, CONTENT);
    await within(name, async (file) => {
      const fd = await file.descriptor(DIGEST);
      const piece = Buffer.alloc(100);
      expect(readSync(fd ?? -1, piece, 0, 100, 200_000)).toBe(100);
      expect(piece).toEqual(CONTENT.subarray(200_000, 200_100));
      expect(await wholeOf(file.read())).toEqual(CONTENT);
      expect(await file.digest()).toEqual(DIGEST);
    });
  });

  it('gives the whole to a reader who keeps no chunk, with and without a descriptor', async () => {
    const name = await storeFile(storage, CONTENT);
    await within(name, async (file) => {
      for (const prepare of [async () => undefined, () => file.descriptor(DIGEST)]) {
        await prepare();
        const copies: Buffer[] = [];
        for await (const chunk of await file.readFleeting()) copies.push(Buffer.from(chunk));
        expect(Buffer.concat(copies)).toEqual(CONTENT);
      }
    });
  });

  it('takes bytes in pieces of any size', async () => {
    const incoming = await storage.create();
    for (let at = 0; at < 100_000; at += 9_999)
      await incoming.write(CONTENT.subarray(at, Math.min(at + 9_999, 100_000)));
    const sha256 = sha256Of(CONTENT.subarray(0, 100_000));
    await incoming.commit(sha256);
    expect(await within(incoming.name, (file) => file.digest())).toEqual(sha256);
  });

  it('names files so that the name tells nothing', async () => {
    const names = [await storeFile(storage, 'a'), await storeFile(storage, 'a')];
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{64}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  it('moves a file between its zones, once, and back', async () => {
    const name = await storeFile(storage, 'hello');
    expect(await storage.move(name, 'quarantine', 'clean')).toBe(true);
    expect(await storage.move(name, 'quarantine', 'clean')).toBe(false);
    expect(await storage.open('quarantine', name)).toBeUndefined();
    const file = await storage.open('clean', name);
    expect((await wholeOf(file!.read())).toString()).toBe('hello');
    await file?.close();
    expect(await storage.move(name, 'clean', 'quarantine')).toBe(true);
    expect(await storage.open('clean', name)).toBeUndefined();
    expect(await within(name, (found) => wholeOf(found.read()))).toEqual(Buffer.from('hello'));
  });

  it('leaves nothing of what is aborted, before its end or after it, and does not mind what is gone', async () => {
    const half = await storage.create();
    await half.write(Buffer.from('half'));
    await half.abort();
    await half.abort();
    const whole = await storage.create();
    await whole.write(Buffer.from('whole'));
    await whole.commit(sha256Of('whole'));
    await whole.abort();
    for (const zone of zones) {
      await storage.remove(zone, half.name);
      for (const { name } of [half, whole]) expect(await storage.open(zone, name)).toBeUndefined();
    }
  });

  it('removes a file', async () => {
    const name = await storeFile(storage, 'gone');
    await storage.remove('quarantine', name);
    expect(await storage.open('quarantine', name)).toBeUndefined();
  });

  it.each(['..', '../../etc/passwd', '', 'x', 'A'.repeat(64), `${'a'.repeat(64)}/x`])(
    'knows nothing called %j',
    async (name) => {
      const refusal = 'a stored name has 64 hex digits';
      await expect(storage.open('clean', name)).rejects.toThrow(refusal);
      await expect(storage.move(name, 'clean', 'quarantine')).rejects.toThrow(refusal);
      await expect(storage.remove('clean', name)).rejects.toThrow(refusal);
    },
  );

  it.each(zones)('takes a file of a backup back into %s, under its name', async (zone) => {
    const name = randomBytes(32).toString('hex');
    const path = join(scratch, name);
    writeFileSync(path, CONTENT);
    await storage.restore(zone, { name, path, sizeBytes: CONTENT.length, sha256: DIGEST });
    const file = await storage.open(zone, name);
    expect(await file?.digest()).toEqual(DIGEST);
    await file?.close();
  });

  it('lists each file of a zone once, with its size and when it came', async () => {
    const begunMs = Date.now();
    const name = await storeFile(storage, 'listed');
    const other = await storeFile(storage, 'moved');
    await storage.move(other, 'quarantine', 'clean');
    const listed = await Array.fromAsync(storage.list('quarantine'));
    const found = listed.filter((file) => file.name === name);
    expect(found.map(({ sizeBytes }) => sizeBytes)).toEqual([6]);
    expect(found[0]!.modifiedAt.getTime()).toBeGreaterThan(begunMs - 5_000);
    expect(listed.map((file) => file.name)).not.toContain(other);
    expect((await Array.fromAsync(storage.list('clean'))).map((file) => file.name)).toContain(other);
  });
});
