import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
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

async function store(content: string): Promise<string> {
  const incoming = await storage.create();
  await incoming.write(Buffer.from(content));
  await incoming.commit();
  return incoming.name;
}

it('keeps files where only their owner can get at them, under names that tell nothing', async () => {
  const names = [await store('a'), await store('a')];
  for (const name of names) {
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    expect(modeOf('quarantine', name)).toBe('600');
  }
  expect(names[0]).not.toBe(names[1]);
  expect([modeOf('quarantine'), modeOf('clean')]).toEqual(['700', '700']);
});

it('moves a file between its zones, once', async () => {
  const name = await store('hello');
  expect(await storage.move(name, 'quarantine', 'clean')).toBe(true);
  expect(await storage.move(name, 'quarantine', 'clean')).toBe(false);
  expect(await storage.open('quarantine', name)).toBeUndefined();
  const file = await storage.open('clean', name);
  expect((await file?.readFile())?.toString()).toBe('hello');
  await file?.close();
});

it('leaves nothing of what is aborted, and does not mind what is gone', async () => {
  const incoming = await storage.create();
  await incoming.write(Buffer.from('half'));
  await incoming.abort();
  await incoming.abort();
  await storage.remove('clean', incoming.name);
  expect(readdirSync(join(dataDir, 'quarantine'))).toEqual([]);
});

it.each(['..', '../../etc/passwd', '', 'x', 'A'.repeat(64)])('opens nothing called %j', async (name) => {
  await expect(storage.open('clean', name)).rejects.toThrow('a stored name has 64 hex digits');
});

it('follows no link', async () => {
  const name = 'f'.repeat(64);
  symlinkSync('/etc/hostname', join(dataDir, 'clean', name));
  await expect(storage.open('clean', name)).rejects.toThrow('ELOOP');
});

it('lists its own files only', async () => {
  const name = await store('a');
  symlinkSync('/etc/hostname', join(dataDir, 'quarantine', 'e'.repeat(64)));
  const listed = await Array.fromAsync(storage.list('quarantine'));
  expect(listed.map((file) => [file.name, file.sizeBytes])).toEqual([[name, 1]]);
});
