import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestS3, type TestS3 } from '#testing/s3.ts';
import { send, upload, type HttpAnswer } from '#testing/upload-client.ts';
import type { UploadSystem } from '#testing/upload-core.ts';
import { openUploadSystem } from '#testing/upload-system.ts';
import type { Scanner } from '#uploads/scanner.ts';
import { sweepOrphans } from '#uploads/sweep-uploads.ts';
import { eicar } from '#uploads/test-signatures.ts';
import { takeDueUploads } from '#uploads/waiting-uploads.ts';

const CONTENT = Buffer.from('some lines of text\n'.repeat(20_000));
const FILE = { filename: 'a.txt', type: 'text/plain', content: CONTENT };
const never = new AbortController().signal;
const THROTTLED = { status: 503, code: 'SlowDown' };

const scanner: Scanner = {
  async scan(source) {
    const hash = createHash('sha256');
    let isInfected = false;
    for await (const chunk of source.read()) {
      hash.update(chunk);
      isInfected ||= chunk.includes(eicar());
    }
    if (!hash.digest().equals(source.sha256)) return { kind: 'tampered' };
    return isInfected ? { kind: 'infected', signature: 'Eicar' } : { kind: 'clean' };
  },
};

let s3: TestS3;
let system: UploadSystem;
beforeEach(async () => {
  s3 = await startTestS3();
  system = await openUploadSystem({ s3: s3.place, scanner, isScanningByHand: true });
});
afterEach(async () => {
  await system?.[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
});

const statusOf = async (id: string): Promise<string> => (await send(system.origin, `/api/uploads/${id}`)).json.status;
const contentOf = (id: string, headers = {}): Promise<HttpAnswer> =>
  send(system.origin, `/api/uploads/${id}/content`, { headers });
const objects = async (): Promise<number[]> => [(await s3.keys('quarantine')).length, (await s3.keys('clean')).length];

/** What S3 was asked for by some work. */
async function requestsOf(work: () => Promise<unknown>): Promise<string[]> {
  const before = s3.requests.length;
  await work();
  return s3.requests.slice(before).map(({ operation, zone }) => `${operation} ${zone}`);
}

describe('an upload whose bytes lie in S3', () => {
  it('is durable at its 202, scanned, served whole and in ranges, and deleted, with these requests and no others', async () => {
    let id = '';
    const taking = await requestsOf(async () => {
      const accepted = await upload(system.origin, FILE);
      expect(accepted.status).toBe(202);
      id = accepted.json.id;
    });
    expect(taking).toEqual(['PutObject quarantine']);
    expect(await objects()).toEqual([1, 0]);

    expect(await requestsOf(() => system.scan(id))).toEqual([
      'HeadObject quarantine',
      'GetObject quarantine',
      'CopyObject clean',
      'DeleteObject quarantine',
      'HeadObject clean',
      'GetObject clean',
    ]);
    expect(await statusOf(id)).toBe('clean');
    expect(await objects()).toEqual([0, 1]);

    const whole = await contentOf(id);
    expect([whole.status, whole.headers['content-length']]).toEqual([200, String(CONTENT.length)]);
    expect(whole.body.equals(CONTENT)).toBe(true);
    const serving = await requestsOf(async () => {
      const range = await contentOf(id, { range: 'bytes=100000-299999' });
      expect([range.status, range.headers['content-range']]).toEqual([206, `bytes 100000-299999/${CONTENT.length}`]);
      expect(range.body.equals(CONTENT.subarray(100_000, 300_000))).toBe(true);
    });
    expect(serving).toEqual(['HeadObject clean', 'GetObject clean']);

    const deleting = await requestsOf(() => send(system.origin, `/api/uploads/${id}`, { method: 'DELETE' }));
    expect(deleting).toEqual(['DeleteObject quarantine', 'DeleteObject clean']);
    expect(await objects()).toEqual([0, 0]);
    expect((await contentOf(id)).status).toBe(404);
    expect(await requestsOf(() => sweepOrphans(system, never, 0))).toEqual([
      'ListObjectsV2 quarantine',
      'ListObjectsV2 clean',
    ]);
    expect(readdirSync(system.dataDir, { recursive: true })).toEqual(['scratch']);
  });

  it('that is infected is gone from the bucket, and never was in the other', async () => {
    const { json } = await upload(system.origin, { ...FILE, content: eicar() });
    const asked = await requestsOf(() => system.scan(json.id));
    expect(await statusOf(json.id)).toBe('infected');
    expect(asked).not.toContain('CopyObject clean');
    expect(await objects()).toEqual([0, 0]);
    expect((await contentOf(json.id)).status).toBe(410);
  });

  it.each([
    ['other bytes of the same length', Buffer.alloc(CONTENT.length, 'y')],
    ['a shorter file', Buffer.from('y')],
  ])('and were changed into %s is found out', async (_, others) => {
    const { json } = await upload(system.origin, FILE);
    await s3.plant('quarantine', (await s3.keys('quarantine'))[0] ?? '', others);
    await system.scan(json.id);
    expect((await send(system.origin, `/api/uploads/${json.id}`)).json).toMatchObject({
      status: 'rejected',
      reason: 'tampered',
    });
    expect(await objects()).toEqual([0, 0]);
  });

  it('shares its bytes with an equal one of its owner, which is not even fetched', async () => {
    const first = (await upload(system.origin, FILE)).json.id;
    await system.scan(first);
    const second = (await upload(system.origin, FILE)).json.id;
    expect(await requestsOf(() => system.scan(second))).not.toContain('GetObject quarantine');
    expect(await objects()).toEqual([0, 1]);
    await send(system.origin, `/api/uploads/${first}`, { method: 'DELETE' });
    expect((await contentOf(second)).body.equals(CONTENT)).toBe(true);
  });
});

describe('where S3 is away', () => {
  it('an upload is answered 503 and leaves nothing, and the next is taken when it is back', async () => {
    await s3.away();
    const refused = await upload(system.origin, FILE);
    expect([refused.status, refused.json.code]).toEqual([503, 'storage-unavailable']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await s3.back();
    const { rows } = await system.pool.query('select id from upload');
    expect([rows, await objects()]).toEqual([[], [0, 0]]);
    expect((await upload(system.origin, FILE)).status).toBe(202);
  });

  it('an upload whose answer is lost again and again is 503, and what it left behind is swept', async () => {
    s3.fault = ({ operation }) => (operation === 'PutObject' ? 'lost' : undefined);
    const refused = await upload(system.origin, FILE);
    expect([refused.status, refused.json.code]).toEqual([503, 'storage-unavailable']);
    s3.fault = () => undefined;
    // S3 has it, although it could not say so.
    expect(await objects()).toEqual([1, 0]);
    expect(await sweepOrphans(system, never, 0)).toBe(1);
    expect(await objects()).toEqual([0, 0]);
  });

  it.each(['HeadObject', 'GetObject', 'CopyObject', 'DeleteObject'])(
    'at every %s of a scan, the upload waits, spends no try, and is clean when it is back',
    async (operation) => {
      const { json } = await upload(system.origin, FILE);
      s3.fault = (request) => (request.operation === operation ? THROTTLED : undefined);
      await expect(system.scan(json.id)).rejects.toMatchObject({ code: 'storage-unavailable' });
      expect(await statusOf(json.id)).toBe('quarantined');
      s3.fault = () => undefined;
      await system.pool.query('update upload set next_check_at = now()');
      for (const id of await takeDueUploads(system.pool, 10)) await system.scan(id);
      expect(await statusOf(json.id)).toBe('clean');
      expect(await objects()).toEqual([0, 1]);
      expect((await contentOf(json.id)).body.equals(CONTENT)).toBe(true);
      const { rows } = await system.pool.query('select attempts from upload');
      expect(rows).toEqual([{ attempts: 0 }]);
    },
  );

  it('content is 503 and not half a file; a deletion holds, and its bytes are swept', async () => {
    const { json } = await upload(system.origin, FILE);
    await system.scan(json.id);
    s3.fault = () => THROTTLED;
    const refused = await contentOf(json.id);
    expect([refused.status, refused.json.code]).toEqual([503, 'storage-unavailable']);
    expect((await send(system.origin, `/api/uploads/${json.id}`, { method: 'DELETE' })).status).toBe(204);
    s3.fault = () => undefined;
    expect((await contentOf(json.id)).status).toBe(404);
    expect(await objects()).toEqual([0, 1]);
    await sweepOrphans(system, never, 0);
    expect(await objects()).toEqual([0, 0]);
  });
});
