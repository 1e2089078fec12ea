import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bzip2Bomb, deflatedZeros, helloBzip2, helloXz, xzBomb } from '#testing/files/bombs.ts';
import { pdf } from '#testing/files/documents.ts';
import { avif, gif, jpeg, png, webp } from '#testing/files/images.ts';
import { sample } from '#testing/files/samples.ts';
import { tar } from '#testing/files/tar.ts';
import { nestedZip, zip, type ZipMember } from '#testing/files/zip.ts';
import type { FileType, Kind } from '#uploads/file-kind.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';
import { openInspector, type Inspector } from '#uploads/inspector.ts';

const type = (kind: Kind, ...detected: string[]): FileType => ({ kind, detected, declared: [], served: 'x/y' });
const policy = new Map([
  ...defaultPolicy,
  ['gz', type('gzip', 'gz', 'tar.gz')],
  ['tar', type('tar', 'tar')],
  ['bz2', type('bzip2', 'bz2')],
  ['xz', type('xz', 'xz')],
  ['avif', type('avif', 'avif')],
] as const);

const MIB = 1024 * 1024;
const LIMITS = ['rejected', 'archive-limits'] as const;
const MALFORMED = ['rejected', 'archive-malformed'] as const;
const PIXELS = ['rejected', 'pixel-limit'] as const;

interface Row {
  id: string;
  what: string;
  extension: string;
  content: () => Buffer | Promise<Buffer>;
  answer: readonly [status: string, reason: string] | 'accepted';
}

const zeros = async (mebibytes: number, more: Partial<ZipMember> = {}): Promise<ZipMember> => ({
  name: 'zeros.txt',
  data: '',
  packed: await deflatedZeros(mebibytes),
  method: 8,
  sizeBytes: mebibytes * MIB,
  ...more,
});
const many = (count: number): ZipMember[] =>
  Array.from({ length: count }, (_, index) => ({ name: `${index}.txt`, data: '-', isStored: true }));
const member = (more: Partial<ZipMember> = {}): ZipMember => ({ name: 'a.txt', data: 'hello', ...more });
const secondName = (name: string): Buffer => {
  const field = Buffer.from([0x75, 0x70, 5 + Buffer.byteLength(name), 0, 1, 0, 0, 0, 0]);
  return Buffer.concat([Buffer.from('5855040000000000', 'hex'), field, Buffer.from(name)]);
};
const zipOf = (more: Partial<ZipMember>) => (): Buffer => zip([member(more)]);

const rows: Row[] = [
  {
    id: '41',
    what: 'archives in archives, four deep',
    extension: 'zip',
    content: () => nestedZip('x', 4),
    answer: LIMITS,
  },
  {
    id: '41',
    what: 'archives that together are too large',
    extension: 'zip',
    content: async () => {
      const inner = zip([await zeros(40, { packed: await deflatedZeros(40) })]);
      return zip(Array.from({ length: 4 }, (_, index) => ({ name: `${index}.zip`, data: inner })));
    },
    answer: LIMITS,
  },
  {
    id: '42',
    what: 'a member of 500 MB',
    extension: 'zip',
    content: async () => zip([await zeros(500)]),
    answer: LIMITS,
  },
  {
    id: '43',
    what: 'entries that overlap',
    extension: 'zip',
    content: async () =>
      zip(
        Array.from({ length: 200 }, (_, index) => ({ ...member(), name: `${index}.txt` })),
        { isOverlapping: true },
      ),
    answer: LIMITS,
  },
  {
    id: '44',
    what: 'sizes that lie',
    extension: 'zip',
    content: async () => zip([await zeros(60, { sizeBytes: 1_000 })]),
    answer: LIMITS,
  },
  { id: '44', what: 'sizes that lie, small', extension: 'zip', content: zipOf({ sizeBytes: 2 }), answer: LIMITS },
  {
    id: '44',
    what: 'sizes that contradict each other',
    extension: 'zip',
    content: zipOf({ localSizeBytes: 4 }),
    answer: LIMITS,
  },
  {
    id: '44',
    what: 'a ratio above 200',
    extension: 'zip',
    content: async () => zip([await zeros(10)]),
    answer: LIMITS,
  },
  { id: '45a', what: '5,000 entries', extension: 'zip', content: () => zip(many(5_000)), answer: LIMITS },
  { id: '45b', what: '100,000 entries', extension: 'zip', content: () => zip(many(100_000)), answer: LIMITS },
  { id: '45', what: '1,000 entries', extension: 'zip', content: () => zip(many(1_000)), answer: 'accepted' },
  {
    id: '45',
    what: 'more entries than counted',
    extension: 'zip',
    content: () => zip(many(3), { count: 1 }),
    answer: MALFORMED,
  },
  { id: '46a', what: 'a symbolic link', extension: 'zip', content: zipOf({ mode: 0o120777 }), answer: LIMITS },
  { id: '46a', what: 'a device', extension: 'zip', content: zipOf({ mode: 0o020666 }), answer: LIMITS },
  {
    id: '46b',
    what: 'a tar with a symbolic link',
    extension: 'tar',
    content: () => tar([{ name: 'a', type: '2', linkName: '/etc/passwd' }]),
    answer: LIMITS,
  },
  {
    id: '46c',
    what: 'a tar with a hard link',
    extension: 'tar',
    content: () => tar([{ name: 'a', type: '1', linkName: 'b' }]),
    answer: LIMITS,
  },
  {
    id: '46d',
    what: 'a tar with a device',
    extension: 'tar',
    content: () => tar([{ name: 'a', type: '3' }]),
    answer: LIMITS,
  },
  {
    id: '46',
    what: 'a tar with a file',
    extension: 'tar',
    content: () =>
      tar([
        { name: 'a/', type: '5' },
        { name: 'a/b.txt', data: 'x' },
      ]),
    answer: 'accepted',
  },
  {
    id: '46',
    what: 'a tar in a gzip with a link',
    extension: 'gz',
    content: () => gzipSync(tar([{ name: 'a', type: '2' }])),
    answer: LIMITS,
  },
  { id: '47', what: 'a path upwards', extension: 'zip', content: zipOf({ name: 'a/../../b.txt' }), answer: LIMITS },
  { id: '47', what: 'an absolute path', extension: 'zip', content: zipOf({ name: '/etc/passwd' }), answer: LIMITS },
  { id: '47', what: 'a backslash', extension: 'zip', content: zipOf({ name: String.raw`..\b.txt` }), answer: LIMITS },
  { id: '47', what: 'a drive', extension: 'zip', content: zipOf({ name: 'c:b.txt' }), answer: LIMITS },
  {
    id: '47',
    what: 'a path upwards in a second name',
    extension: 'zip',
    content: zipOf({ extra: secondName('../b.txt') }),
    answer: LIMITS,
  },
  {
    id: '48f',
    what: 'a second name of another kind',
    extension: 'zip',
    content: zipOf({ extra: secondName('a.exe') }),
    answer: MALFORMED,
  },
  {
    id: '48f',
    what: 'a second name of another kind before the bytes',
    extension: 'zip',
    content: zipOf({ localExtra: secondName('a.exe') }),
    answer: MALFORMED,
  },
  {
    id: '48f',
    what: 'a second name that only spells the first',
    extension: 'zip',
    content: zipOf({ extra: secondName('\u00e4.txt'), localExtra: secondName('\u00e4.txt') }),
    answer: 'accepted',
  },
  {
    id: '47',
    what: 'a path upwards in a tar',
    extension: 'tar',
    content: () => tar([{ name: '../b.txt' }]),
    answer: LIMITS,
  },
  {
    id: '48a',
    what: 'no directory',
    extension: 'zip',
    content: () => zip([member()], { hasDirectory: false }),
    answer: MALFORMED,
  },
  {
    id: '48b',
    what: 'bytes before it',
    extension: 'zip',
    content: () => zip([member()], { before: Buffer.alloc(4_000, 'x') }),
    answer: MALFORMED,
  },
  {
    id: '48c',
    what: 'ZIP64 sentinels',
    extension: 'zip',
    content: () => zip([member()], { hasSentinels: true }),
    answer: MALFORMED,
  },
  {
    id: '48c',
    what: 'ZIP64 sentinels of an entry',
    extension: 'zip',
    content: zipOf({ packedBytes: 0xffffffff }),
    answer: MALFORMED,
  },
  { id: '48d', what: 'a wrong CRC', extension: 'zip', content: zipOf({ crc: 1 }), answer: MALFORMED },
  { id: '48e', what: 'a name twice', extension: 'zip', content: () => zip([member(), member()]), answer: MALFORMED },
  {
    id: '48f',
    what: 'headers that contradict each other',
    extension: 'zip',
    content: zipOf({ localName: 'b.exe' }),
    answer: MALFORMED,
  },
  {
    id: '48f',
    what: 'a method that is not known',
    extension: 'zip',
    content: zipOf({ method: 14 }),
    answer: MALFORMED,
  },
  {
    id: '48f',
    what: 'data that is no deflate',
    extension: 'zip',
    content: zipOf({ packed: Buffer.alloc(20, 0xff) }),
    answer: MALFORMED,
  },
  {
    id: '49',
    what: 'a member larger than the scanner reads',
    extension: 'zip',
    content: async () => zip([await zeros(70)]),
    answer: LIMITS,
  },
  { id: '50a', what: 'a gzip bomb', extension: 'gz', content: () => gzipSync(Buffer.alloc(60 * MIB)), answer: LIMITS },
  {
    id: '50b',
    what: 'a gzip of many members',
    extension: 'gz',
    content: () => Buffer.concat(Array.from({ length: 1_001 }, () => gzipSync('x'))),
    answer: LIMITS,
  },
  {
    id: '50b',
    what: 'a gzip of two members',
    extension: 'gz',
    content: () => Buffer.concat([gzipSync('x'), gzipSync('y')]),
    answer: 'accepted',
  },
  {
    id: '50b',
    what: 'a gzip with bytes behind it',
    extension: 'gz',
    content: () => Buffer.concat([gzipSync('x'), Buffer.from('y')]),
    answer: MALFORMED,
  },
  { id: '50c', what: 'a bzip2 bomb', extension: 'bz2', content: bzip2Bomb, answer: LIMITS },
  { id: '50c', what: 'a small bzip2', extension: 'bz2', content: helloBzip2, answer: 'accepted' },
  {
    id: '50c',
    what: 'a broken bzip2',
    extension: 'bz2',
    content: () => helloBzip2().subarray(0, 30),
    answer: MALFORMED,
  },
  { id: '50d', what: 'an xz bomb', extension: 'xz', content: () => xzBomb(200), answer: LIMITS },
  { id: '50d', what: 'a small xz', extension: 'xz', content: helloXz, answer: 'accepted' },
  {
    id: '51a',
    what: 'a PNG of 60,000 × 60,000',
    extension: 'png',
    content: () => png({ width: 60_000, height: 60_000 }),
    answer: PIXELS,
  },
  {
    id: '51a',
    what: 'a PNG of 50 megapixels',
    extension: 'png',
    content: () => png({ width: 10_000, height: 5_000 }),
    answer: 'accepted',
  },
  {
    id: '51b',
    what: 'a GIF of 100,000 frames',
    extension: 'gif',
    content: () => gif({ frames: 100_000 }),
    answer: PIXELS,
  },
  { id: '51c', what: 'a JPEG of 1,000 scans', extension: 'jpg', content: () => jpeg({ scans: 1_000 }), answer: PIXELS },
  {
    id: '51c',
    what: 'a JPEG of 60,000 × 60,000',
    extension: 'jpg',
    content: () => jpeg({ width: 60_000, height: 60_000 }),
    answer: PIXELS,
  },
  {
    id: '51d',
    what: 'a WebP of 16,000 × 16,000',
    extension: 'webp',
    content: () => webp({ width: 16_000, height: 16_000 }),
    answer: PIXELS,
  },
  {
    id: '51d',
    what: 'an AVIF of 60,000 × 60,000',
    extension: 'avif',
    content: () => avif({ width: 60_000, height: 60_000 }),
    answer: PIXELS,
  },
  {
    id: '51e',
    what: 'a PNG with a text bomb',
    extension: 'png',
    content: () =>
      png({ chunks: [['zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(64 * MIB))])]] }),
    answer: PIXELS,
  },
  {
    id: '51e',
    what: 'a PNG with a packed text',
    extension: 'png',
    content: () => png({ chunks: [['zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync('hi')])]] }),
    answer: 'accepted',
  },
  {
    id: '39a',
    what: 'a JSON of a million brackets',
    extension: 'json',
    content: () => Buffer.from('['.repeat(1_000_000)),
    answer: ['rejected', 'type-mismatch'],
  },
];

describe('what is too much', () => {
  let inspector: Inspector;
  let scratch: string;
  beforeAll(() => {
    inspector = openInspector({ policy, threads: 1 });
    scratch = mkdtempSync(join(tmpdir(), 'portcullis-inspector-'));
  });
  afterAll(async () => {
    await inspector.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it.each(rows)('$id: $what is $answer', { timeout: 30_000 }, async ({ extension, content, answer }) => {
    const { inspection, tookMs } = await look(await content(), extension);
    const found = inspection.kind === 'accepted' ? 'accepted' : [inspection.status, inspection.reason];
    expect(found).toEqual(answer);
    expect(tookMs).toBeLessThan(2_500);
  });

  it.each([
    ['a PDF of 200,000 objects', () => pdf({ objects: '1 0 obj\n<< >>\nendobj\n'.repeat(200_000) }), 'accepted'],
    ['a PDF of streams that pack streams', () => pdf({ objects: packedObjects(64) }), 'archive-limits'],
  ] as const)('52: %s is decided in time', { timeout: 30_000 }, async (_, content, expected) => {
    const { inspection, tookMs } = await look(content(), 'pdf');
    expect(inspection.kind === 'accepted' ? 'accepted' : inspection.reason).toBe(expected);
    expect(tookMs).toBeLessThan(2_500);
  });

  it('is ended after its time, and the next file is looked into all the same', { timeout: 30_000 }, async () => {
    const hurried = openInspector({ policy, threads: 1, limitMs: 50 });
    try {
      const slow = await lookWith(
        hurried,
        zip(Array.from({ length: 900 }, (_, index) => ({ name: `${index}.json`, data: Buffer.alloc(150_000, '[') }))),
        'zip',
      );
      expect(slow.inspection).toMatchObject({
        kind: 'refused',
        status: 'rejected',
        reason: 'archive-limits',
        detail: 'took longer than 50 ms',
      });
      const quick = await lookWith(hurried, sample('png').content, 'png');
      expect(quick.inspection.kind).toBe('accepted');
    } finally {
      await hurried.close();
    }
  });

  it('looks into many files at once, each in its turn', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => look(sample('docx').content, 'docx')));
    expect(all.every(({ inspection }) => inspection.kind === 'accepted')).toBe(true);
  });

  const look = (content: Buffer, extension: string) => lookWith(inspector, content, extension);
  let count = 0;
  async function lookWith(by: Inspector, content: Buffer, extension: string) {
    count += 1;
    const path = join(scratch, String(count));
    writeFileSync(path, content);
    const file = await open(path);
    try {
      const begunMs = performance.now();
      const inspection = await by.inspect(file.fd, content.length, { extension, declaredType: undefined });
      return { inspection, tookMs: performance.now() - begunMs };
    } finally {
      await file.close();
    }
  }
});

/** Objects, each a stream that unpacks to 4 MiB. */
function packedObjects(count: number): string {
  const packed = deflateSync(Buffer.concat([Buffer.from('1 0 '), Buffer.alloc(4 * MIB, ' ')])).toString('latin1');
  const object = `5 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n${packed}\nendstream\nendobj\n`;
  return object.repeat(count);
}
