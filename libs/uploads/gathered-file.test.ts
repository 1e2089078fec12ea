import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openGatheredFile } from '#uploads/gathered-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-gathered-'));
  path = join(directory, 'file');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const pieces = Array.from({ length: 200 }, (_, index) => randomBytes(1 + ((index * 7_919) % 5_000)));
const whole = Buffer.concat(pieces);

/** A disk that takes at most so many bytes in one call. */
const takingAtMost = (file: FileHandle, bytes: number): FileHandle =>
  Object.assign(Object.create(file) as FileHandle, {
    writev: (chunks: readonly Buffer[]) => file.writev([Buffer.concat(chunks).subarray(0, bytes)]),
    datasync: () => file.datasync(),
    close: () => file.close(),
  });

it.each([0, 1, 4_096, 100_000, 10_000_000])('writes every byte in order, %d gathered at a time', async (gather) => {
  const file = openGatheredFile(await open(path, 'wx'), () => gather);
  for (const piece of pieces) await file.write(Buffer.from(piece));
  await file.sync();
  await file.close();
  expect(readFileSync(path).equals(whole)).toBe(true);
});

it('lets everything be read that was given so far, and more be written', async () => {
  const file = openGatheredFile(await open(path, 'wx'), () => 10_000_000);
  await file.write(Buffer.from('one '));
  await file.flush();
  expect(readFileSync(path, 'utf8')).toBe('one ');
  await file.write(Buffer.from('two'));
  await file.flush();
  expect(readFileSync(path, 'utf8')).toBe('one two');
  await file.close();
});

it('goes on where the disk took a part', async () => {
  const file = openGatheredFile(takingAtMost(await open(path, 'wx'), 1_000), () => 10_000);
  for (const piece of pieces) await file.write(Buffer.from(piece));
  await file.sync();
  await file.close();
  expect(readFileSync(path).equals(whole)).toBe(true);
});

it('frees what is written, and holds one chunk only where nothing may be gathered', async () => {
  const chunks = [1, 2, 3].map((fill) => Buffer.alloc(65_536, fill));
  const file = openGatheredFile(await open(path, 'wx'), () => 0);
  for (const chunk of chunks) {
    await file.write(chunk);
    expect(chunk.length).toBe(0);
  }
  await file.close();
  expect(readFileSync(path)).toEqual(Buffer.concat([1, 2, 3].map((fill) => Buffer.alloc(65_536, fill))));
});

it('tells of a write that failed in the call after it, and closes all the same', async () => {
  const handle = await open(path, 'wx');
  const full = Object.assign(Object.create(handle) as FileHandle, {
    writev: () => Promise.reject(new Error('ENOSPC')),
    close: () => handle.close(),
  });
  const file = openGatheredFile(full, () => 1);
  await file.write(Buffer.from('a'));
  await expect(file.write(Buffer.from('b'))).rejects.toThrow('ENOSPC');
  await expect(file.sync()).rejects.toThrow('ENOSPC');
  await file.close();
});
