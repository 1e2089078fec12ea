import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { takeLock, withLock } from './lock.mjs';

const PROCESSES = 6;
const TURNS = 5;

function freshLock() {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-lock-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'a.lock');
}

/** Runs a script that has `lock` and the functions of lock.mjs in a process of its own. */
function run(lock, script) {
  const source = `
    import { readFileSync, rmSync, writeFileSync } from 'node:fs';
    import { takeLock, withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.mjs'))};
    const lock = ${JSON.stringify(lock)};
    ${script}`;
  return spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
}

it('lets one process at a time in, a dead holder notwithstanding', { timeout: 60_000 }, async () => {
  const lock = freshLock();
  const dead = run(lock, 'takeLock(lock);');
  await once(dead, 'exit');
  writeFileSync(`${lock}.count`, '0');
  const children = Array.from({ length: PROCESSES }, () =>
    run(
      lock,
      `for (let turn = 0; turn < ${TURNS}; turn += 1) {
        await withLock(lock, async () => {
          const count = Number(readFileSync(lock + '.count', 'utf8'));
          await new Promise((wake) => setTimeout(wake, 5));
          writeFileSync(lock + '.count', String(count + 1));
        }, () => undefined);
      }`,
    ),
  );
  const exits = await Promise.all(children.map((child) => once(child, 'exit')));
  expect(exits.map(([code]) => code)).toEqual(Array(PROCESSES).fill(0));
  expect(readFileSync(`${lock}.count`, 'utf8')).toBe(String(PROCESSES * TURNS));
});

it('says who holds it, and takes it once that process is killed', async () => {
  const lock = freshLock();
  const holder = run(lock, `takeLock(lock); console.log('held'); setInterval(() => undefined, 1000);`);
  onTestFinished(() => {
    holder.kill('SIGKILL');
  });
  await once(holder.stdout, 'data');
  expect(takeLock(lock)).toBe(holder.pid);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(takeLock(lock)).toBeUndefined();
});

it('is not fooled by a process that got the id of the dead holder', () => {
  const lock = freshLock();
  writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: 'another time' }));
  expect(takeLock(lock)).toBeUndefined();
});

it('takes over a lock that is rubbish', () => {
  const lock = freshLock();
  writeFileSync(lock, '');
  expect(takeLock(lock)).toBeUndefined();
});

it('is released when the work fails', async () => {
  const lock = freshLock();
  await expect(
    withLock(
      lock,
      () => Promise.reject(new Error('no room')),
      () => undefined,
    ),
  ).rejects.toThrow('no room');
  expect(takeLock(lock)).toBeUndefined();
});
