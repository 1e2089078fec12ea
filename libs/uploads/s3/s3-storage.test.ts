import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLog } from '#runtime/log.ts';
import type { S3Request } from '#testing/s3-request.ts';
import { s3Credentials, startTestS3, type S3Fault, type TestS3 } from '#testing/s3.ts';
import { sha256Of, storeFile } from '#testing/store-file.ts';
import { openS3Storage, type S3Storage, type S3StorageOptions } from '#uploads/s3/s3-storage.ts';
import type { S3Limits } from '#uploads/s3/s3-calls.ts';

const HURRIED: S3Limits = {
  call: { tries: 3, tryMs: 10_000, wholeMs: 30_000, pauseMs: 1 },
  put: { tries: 3, tryMs: 10_000, wholeMs: 30_000, pauseMs: 1 },
  connectMs: 10_000,
  idleMs: 10_000,
  pageSize: 3,
};
const CONTENT = Buffer.alloc(400_000, 'portcullis ');
const UNAVAILABLE = { code: 'storage-unavailable' };

vi.setConfig({ testTimeout: 30_000 });

let stack: AsyncDisposableStack;
let s3: TestS3;
let dataDir: string;
let logged: string;
let storage: S3Storage;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  s3 = stack.use(await startTestS3());
  dataDir = mkdtempSync(join(tmpdir(), 'portcullis-s3-'));
  stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  logged = '';
  storage = await open();
});
afterEach(() => stack.disposeAsync());

async function open(options: Partial<S3StorageOptions> = {}): Promise<S3Storage> {
  const log = openLog({
    name: 'test',
    level: 'debug',
    destination: { write: (line: string) => void (logged += line) },
  });
  return stack.use(await openS3Storage({ place: s3.place, dataDir, log, limits: HURRIED, ...options }));
}

/** Fails so many of the next requests for an operation. */
function fail(operation: string, times: number, fault: S3Fault): void {
  let left = times;
  s3.fault = (request: S3Request) => (request.operation === operation && left-- > 0 ? fault : undefined);
}

const seen = (): string[] => s3.requests.map(({ operation, zone }) => `${operation} ${zone}`);
const scratch = (): string[] => readdirSync(join(dataDir, 'scratch'));

describe('what comes in', () => {
  it('is put into the bucket once, with its digest, when all of it is there, and is nowhere under a name before', async () => {
    const incoming = await storage.create();
    await incoming.write(Buffer.from(CONTENT));
    expect([seen(), scratch()]).toEqual([[], []]);
    await incoming.commit(sha256Of(CONTENT));
    expect(seen()).toEqual(['PutObject quarantine']);
    expect(await s3.keys('quarantine')).toEqual([incoming.name]);
  });

  it.each<[string, S3Fault]>([
    ['throttled', { status: 503, code: 'SlowDown' }],
    ['failed', { status: 500, code: 'InternalError' }],
    ['damaged on its way', { status: 400, code: 'BadDigest' }],
    ['done, but the answer is lost', 'lost'],
  ])('is sent anew when it was %s', async (_, fault) => {
    fail('PutObject', 2, fault);
    const name = await storeFile(storage, CONTENT);
    expect(seen()).toEqual(Array.from({ length: 3 }, () => 'PutObject quarantine'));
    const file = await storage.open('quarantine', name);
    expect(await file?.digest()).toEqual(sha256Of(CONTENT));
  });

  it.each<[string, S3Fault, number, string]>([
    ['keeps being throttled', { status: 503, code: 'SlowDown' }, 3, 'storage-unavailable'],
    ['refuses us', { status: 403, code: 'AccessDenied' }, 1, 'storage-unavailable'],
    ['does not have the bucket', { status: 404, code: 'NoSuchBucket' }, 1, 'storage-unavailable'],
    ['is full', { status: 507, code: 'XMinioStorageFull' }, 1, 'storage-full'],
  ])('is refused where S3 %s', async (_, fault, tries, code) => {
    fail('PutObject', Infinity, fault);
    await expect(storeFile(storage, CONTENT)).rejects.toMatchObject({ code });
    expect(seen()).toEqual(Array.from({ length: tries }, () => 'PutObject quarantine'));
    expect(await s3.keys('quarantine')).toEqual([]);
  });

  it.each([
    ['says nothing for too long', { idleMs: 300 }],
    ['takes too long in all', { put: { ...HURRIED.put, tryMs: 300 } }],
  ])('is refused where S3 %s', async (_, limits) => {
    const impatient = await open({ limits: { ...HURRIED, ...limits } });
    s3.fault = () => 'silence';
    await expect(storeFile(impatient, CONTENT)).rejects.toMatchObject(UNAVAILABLE);
    // A busy machine may give up on a try before it has reached S3.
    expect(seen().length).toBeLessThanOrEqual(3);
  });

  it('is refused if S3 has got other bytes than were hashed', async () => {
    const incoming = await storage.create();
    await incoming.write(Buffer.from(CONTENT));
    await expect(incoming.commit(sha256Of('others'))).rejects.toMatchObject(UNAVAILABLE);
    await incoming.abort();
    expect(await s3.keys('quarantine')).toEqual([]);
  });

  it('is read back where the store does not say which digest it has', async () => {
    s3.fault = ({ operation }) => (operation === 'PutObject' ? 'no-checksum' : undefined);
    await storeFile(storage, CONTENT);
    expect(seen()).toEqual(['PutObject quarantine', 'HeadObject quarantine', 'GetObject quarantine']);
  });

  it('is refused before a byte of it is read while the bucket keeps failing, until it is back', async () => {
    await s3.away();
    const { check } = storage.check;
    await expect(check()).rejects.toMatchObject(UNAVAILABLE);
    for (let count = 0; count < 4; count += 1) {
      await expect(storeFile(storage, 'x')).rejects.toMatchObject(UNAVAILABLE);
    }
    await expect(storage.create()).rejects.toMatchObject({ ...UNAVAILABLE, retryAfterSeconds: 1 });
    await s3.back();
    await check();
    await storeFile(storage, 'x');
    expect(logged.match(/the bucket fails/g)).toHaveLength(2);
    expect(logged.match(/the bucket answers again/g)).toHaveLength(2);
  });
});

describe('reading', () => {
  it('goes on where a connection broke', async () => {
    const name = await storeFile(storage, CONTENT);
    const file = await storage.open('quarantine', name);
    fail('GetObject', 2, 'half');
    expect(await file?.digest()).toEqual(sha256Of(CONTENT));
    fail('GetObject', 1, 'half');
    const range = Buffer.concat(await Array.fromAsync(await file!.read({ start: 1_000, end: 300_000 })));
    expect(range).toEqual(CONTENT.subarray(1_000, 300_001));
  });

  it('fails before the first byte where there is none to be had', async () => {
    const name = await storeFile(storage, CONTENT);
    const file = await storage.open('quarantine', name);
    fail('GetObject', Infinity, { status: 503, code: 'SlowDown' });
    await expect(file!.read()).rejects.toMatchObject(UNAVAILABLE);
    s3.fault = () => undefined;
    await storage.remove('quarantine', name);
    await expect(file!.read()).rejects.toMatchObject(UNAVAILABLE);
  });

  it('takes a bucket that is away for no missing file', async () => {
    const name = await storeFile(storage, CONTENT);
    const buckets = { ...s3.place.buckets, quarantine: 'not-there' };
    const elsewhere = await open({ place: { ...s3.place, buckets } });
    await expect(elsewhere.open('quarantine', name)).rejects.toMatchObject(UNAVAILABLE);
    await expect(elsewhere.move(name, 'quarantine', 'clean')).rejects.toMatchObject(UNAVAILABLE);
    await expect(elsewhere.check.check()).rejects.toMatchObject(UNAVAILABLE);
  });
});

describe('the private copy', () => {
  it.each([
    ['other bytes', Buffer.alloc(CONTENT.length, 'x')],
    ['fewer bytes', CONTENT.subarray(1)],
    ['more bytes', Buffer.concat([CONTENT, Buffer.from('x')])],
  ])('is not handed out if it has %s than came in', async (_, others) => {
    const name = await storeFile(storage, CONTENT);
    const file = await storage.open('quarantine', name);
    await s3.plant('quarantine', name, others);
    expect(await file?.descriptor(sha256Of(CONTENT))).toBeUndefined();
    await file?.close();
  });

  it('has no name, so that nothing of it is left whatever becomes of the process', async () => {
    const name = await storeFile(storage, CONTENT);
    const file = await storage.open('quarantine', name);
    expect(await file?.descriptor(sha256Of(CONTENT))).toBeGreaterThan(2);
    expect(scratch()).toEqual([]);
    await file?.close();
  });

  it('costs one request, however often it is read', async () => {
    const name = await storeFile(storage, CONTENT);
    const file = await storage.open('quarantine', name);
    await file?.descriptor(sha256Of(CONTENT));
    await file?.digest();
    await Array.fromAsync(await file!.read({ start: 5, end: 9 }));
    expect(seen().filter((each) => each === 'GetObject quarantine')).toHaveLength(1);
    await file?.close();
  });

  it('was left unfinished by a process that was killed: the next removes it, and nothing else', async () => {
    for (const name of ['0123456789abcdef'.repeat(2), '.nfs0000000000000001']) {
      writeFileSync(join(dataDir, 'scratch', name), '');
    }
    await open();
    expect(scratch()).toEqual(['.nfs0000000000000001']);
  });
});

describe('moving', () => {
  it('copies first and deletes then, so that a failure in between leaves both, and trying again ends it', async () => {
    const name = await storeFile(storage, CONTENT);
    fail('DeleteObject', 3, { status: 503, code: 'SlowDown' });
    await expect(storage.move(name, 'quarantine', 'clean')).rejects.toMatchObject(UNAVAILABLE);
    expect([await s3.keys('quarantine'), await s3.keys('clean')]).toEqual([[name], [name]]);
    expect(await storage.move(name, 'quarantine', 'clean')).toBe(true);
    expect([await s3.keys('quarantine'), await s3.keys('clean')]).toEqual([[], [name]]);
  });
});

describe('listing', () => {
  it('goes through all pages, and passes over what is not ours', async () => {
    const names = Array.from({ length: 7 }, (_, index) => index.toString(16).padStart(64, '0'));
    const others = ['readme.txt', `${names[0]}.bak`, `folder/${names[0]}`];
    await Promise.all([...names, ...others].map((name) => s3.plant('clean', name, Buffer.from('x'))));
    const listed = await Array.fromAsync(storage.list('clean'));
    expect(listed.map(({ name }) => name).toSorted()).toEqual(names);
    expect(seen()).toEqual(Array.from({ length: 4 }, () => 'ListObjectsV2 clean'));
  });
});

describe('the log', () => {
  it('holds what failed and how, and neither credentials nor signatures nor names', async () => {
    fail('PutObject', Infinity, { status: 403, code: 'SignatureDoesNotMatch' });
    const incoming = await storage.create();
    await incoming.write(Buffer.from(CONTENT));
    await expect(incoming.commit(sha256Of(CONTENT))).rejects.toMatchObject(UNAVAILABLE);
    await incoming.abort();
    expect(logged).toContain('S3 PutObject: SignatureDoesNotMatch (403)');
    for (const secret of [s3Credentials.accessKeyId, s3Credentials.secretAccessKey, 'Signature=', incoming.name]) {
      expect(logged).not.toContain(secret);
    }
  });
});
