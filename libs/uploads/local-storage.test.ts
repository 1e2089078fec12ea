import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { storeFile } from '#testing/store-file.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import type { Storage } from '#uploads/storage.ts';

let dataDir: string;
let storage: Storage & AsyncDisposable;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'portcullis-storage-'));
  storage = await openLocalStorage(dataDir);
});
afterEach(async () => {
  await storage[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

const modeOf = (...path: string[]): string => (statSync(join(dataDir, ...path)).mode & 0o777).toString(8);

it('keeps files where only their owner can get at them, under names that tell nothing', async () => {
  const name = await storeFile(storage, 'a');
  expect(name).toMatch(/^[0-9a-f]{64}$/);
  expect(modeOf('quarantine', name)).toBe('600');
  expect([modeOf('quarantine'), modeOf('clean')]).toEqual(['700', '700']);
});

it('follows no link', async () => {
  const name = 'f'.repeat(64);
  symlinkSync('/etc/hostname', join(dataDir, 'clean', name));
  await expect(storage.open('clean', name)).rejects.toThrow('ELOOP');
});

it('lists its own files only', async () => {
  const name = await storeFile(storage, 'a');
  symlinkSync('/etc/hostname', join(dataDir, 'quarantine', 'e'.repeat(64)));
  const listed = await Array.fromAsync(storage.list('quarantine'));
  expect(listed.map((file) => [file.name, file.sizeBytes])).toEqual([[name, 1]]);
});
