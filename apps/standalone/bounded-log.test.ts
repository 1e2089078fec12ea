import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openBoundedLog } from './bounded-log.ts';

function freshPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'logs', 'worker.log');
}

it('keeps the newest lines within twice its bound, none torn or lost between the two files', async () => {
  const path = freshPath();
  const log = openBoundedLog(path, { maxBytes: 100 });
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index} of forty`);
  for (const line of lines) log.write(line);
  await log.close();
  const kept = `${readFileSync(`${path}.1`, 'utf8')}${readFileSync(path, 'utf8')}`.trimEnd().split('\n');
  expect(kept).toEqual(lines.slice(-kept.length));
  expect(statSync(path).size).toBeLessThanOrEqual(100);
  expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(100);
});

it('appends to what an earlier run wrote, and counts it', async () => {
  const path = freshPath();
  for (const text of ['first', 'second']) {
    const log = openBoundedLog(path, { maxBytes: 100 });
    log.write(text);
    await log.close();
  }
  expect(readFileSync(path, 'utf8')).toBe('first\nsecond\n');
});

it('can be read by its owner only', async () => {
  const path = freshPath();
  await openBoundedLog(path).close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
});
