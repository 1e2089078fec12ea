import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasClamd, openTestClamd } from '#testing/clamd.ts';
import { ooxml } from '#testing/files/documents.ts';
import { tar } from '#testing/files/tar.ts';
import { nestedZip, zip } from '#testing/files/zip.ts';
import { sings, sourceOf } from '#uploads/canary.ts';
import { openClamscanScanner } from '#uploads/clamscan-scanner.ts';
import { identifySignatures } from '#uploads/identify-signatures.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import type { LocalClamd } from '#uploads/local-clamd.ts';
import type { Scanner } from '#uploads/scanner.ts';
import { exceededLimits } from '#uploads/self-check.ts';
import { eicar, MARKER } from '#uploads/test-signatures.ts';

const MAX_BYTES = 25 * 1024 * 1024;
const TEST_FILES = '/usr/share/clamav-testfiles';

// X. Wang and others: two blocks with the same MD5.
const COLLISION_A = Buffer.from(
  'd131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70',
  'hex',
);
const COLLISION_B = Buffer.from(COLLISION_A);
for (const at of [19, 45, 59, 83, 109, 123]) COLLISION_B[at]! ^= 0x80;

describe.skipIf(!hasClamd)('the scanner with a real clamd', () => {
  let clamd: LocalClamd;
  let scanner: Scanner;
  beforeAll(async () => {
    const collision = `Local-Collision-B:0:0:${COLLISION_B.toString('hex', 0, 64)}\n`;
    clamd = await openTestClamd({ signatures: { 'collision.ndb': collision } });
    scanner = await openClamscanScanner({ address: clamd.address });
  });
  afterAll(() => clamd?.[Symbol.asyncDispose]());

  it('finds its canary, and nothing where there is nothing', async () => {
    expect(await sings(scanner)).toBe(true);
  });

  it('knows that its signatures are for tests, and which', async () => {
    const state = await identifySignatures(clamd.address);
    expect(state).toMatchObject({ kind: 'test-only', madeAt: undefined });
    expect(state.version).toMatch(/^ClamAV [\d.]+ [0-9a-f]{16}$/);
  });

  it('reads all that we accept', { timeout: 60_000 }, async () => {
    expect(await exceededLimits(scanner, MAX_BYTES)).toEqual([]);
  });

  it('finds a marker in the last byte of every container that we accept', { timeout: 60_000 }, async () => {
    const padding = Buffer.alloc(1_000_000, 'a');
    const last = Buffer.concat([padding, Buffer.from(MARKER)]);
    const largest = Buffer.concat([Buffer.alloc(MAX_BYTES - MARKER.length, 'a'), Buffer.from(MARKER)]);
    const member = Buffer.concat([
      Buffer.alloc(inspectionLimits.memberBytes - MARKER.length, 'a'),
      Buffer.from(MARKER),
    ]);
    const containers: Record<string, Buffer> = {
      'plain text': last,
      'the largest file': largest,
      zip: zip([{ name: 'a.txt', data: last }]),
      'a stored zip': zip([{ name: 'a.txt', data: last, isStored: true }]),
      'a zip in zips': nestedZip(last, inspectionLimits.depth),
      'the last of 1,000 entries': zip([
        ...Array.from({ length: 999 }, (_, index) => ({ name: `${index}.txt`, data: '-' })),
        { name: 'last.txt', data: last },
      ]),
      'the largest member': zip([{ name: 'a.txt', data: member }]),
      tgz: gzipSync(tar([{ name: 'a.txt', data: last }])),
      docx: ooxml('docx', { more: [{ name: 'word/media/a.bin', data: last }] }),
    };
    for (const [name, content] of Object.entries(containers)) {
      const verdict = await scanner.scan(sourceOf(content));
      expect([name, verdict]).toEqual([
        name,
        { kind: 'infected', signature: expect.stringContaining('Local-Test-Marker') },
      ]);
    }
  });

  it('40: is not deceived by a benign file with the MD5 of a bad one', async () => {
    const md5 = (content: Buffer): string => createHash('md5').update(content).digest('hex');
    expect(md5(COLLISION_A)).toBe(md5(COLLISION_B));
    const kinds = [];
    for (const content of [COLLISION_B, COLLISION_A, COLLISION_B, COLLISION_B]) {
      kinds.push((await scanner.scan(sourceOf(content))).kind);
    }
    expect(kinds).toEqual(['infected', 'clean', 'infected', 'infected']);
  });

  it('says of a stream that is too long that it can not be scanned', { timeout: 60_000 }, async () => {
    const verdicts = [];
    for (let tries = 0; tries < 3; tries += 1) {
      verdicts.push(await scanner.scan(sourceOf(Buffer.alloc(61 * 1024 * 1024))).catch(() => 'inconclusive'));
    }
    expect(verdicts.filter((verdict) => typeof verdict === 'object' && verdict.kind !== 'unscannable')).toEqual([]);
  });

  it('74d: gives no verdict when clamd dies in the middle', async () => {
    const short = await openTestClamd();
    try {
      const its = await openClamscanScanner({ address: short.address });
      const scan = its.scan(sourceOf(Buffer.alloc(MAX_BYTES, 'ab')));
      const outcome = scan.then(
        (verdict) => verdict.kind,
        (error: Error) => error.message,
      );
      setTimeout(() => process.kill(short.pid, 'SIGKILL'), 60);
      expect(await outcome).toMatch(/^scan-inconclusive: (?:closed-without-reply|io)$/);
      await expect(its.scan(sourceOf(eicar()))).rejects.toThrow(/^scan/);
    } finally {
      await short[Symbol.asyncDispose]();
    }
  });

  it('74c: goes on while clamd reads new signatures', async () => {
    await clamd.reload();
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => scanner.scan(sourceOf(eicar()))));
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(['infected']));
  });

  it.skipIf(!existsSync(TEST_FILES))(
    '33k: refuses all of the 44 files of clamav-testfiles',
    { timeout: 60_000 },
    async () => {
      const names = readdirSync(TEST_FILES);
      const kinds: Record<string, number> = {};
      for (const name of names) {
        const { kind } = await scanner.scan(sourceOf(readFileSync(join(TEST_FILES, name))));
        kinds[kind] = (kinds[kind] ?? 0) + 1;
      }
      expect(names).toHaveLength(44);
      expect(kinds).toEqual({ infected: 43, unscannable: 1 });
    },
  );

  it('runs with the rights of an account that can do little', () => {
    const user = execFileSync('ps', ['-o', 'user=', '-p', String(clamd.pid)])
      .toString()
      .trim();
    expect(user).not.toBe('root');
  });
});
