import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runAs } from '#testing/database-template.ts';
import { effort, limitFor } from '#testing/effort.ts';

const never = new AbortController().signal;

let database: TestDatabase;
let directory: string;
let file: string;
beforeEach(async () => {
  database = await openTestDatabase();
  directory = mkdtempSync(join(tmpdir(), 'portcullis-export-'));
  file = join(directory, 'events.jsonl');
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await database[Symbol.asyncDispose]();
});

const env = () => ({ DATABASE_URL: database.url, DATA_DIR: '/nonexistent' });
function audit(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['apps/cli/audit.ts', ...args],
      { env: env(), maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}
async function sealSome(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    const events = Array.from({ length: Math.min(left, 500) }, (_, n) => ({
      type: 'login.failed' as const,
      actorKind: 'anonymous' as const,
      details: { n, padding: 'x'.repeat(200) },
    }));
    await record(database.pool, events);
  }
  await sealAll(database.pool, never);
}
const lines = (text: string): { position: number; id: string; hash: string; event: { id: string } | null }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

describe('verify', () => {
  it('says what was verified, and what to keep', async () => {
    await sealSome(3);
    await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
    const { code, out } = await audit('verify');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^✓ 3 events under 1 seals are as they were sealed\n {2}1 are not sealed yet\n {2}newest seal: (1:[0-9a-f]{64})\n {2}Keep it/,
    );
    const seal = /newest seal: (\S+)/.exec(out)?.[1] ?? '';
    expect(await audit('verify', '--seal', seal)).toMatchObject({ code: 0 });
  });

  it('names what is wrong and exits 1', async () => {
    await sealSome(3);
    await runAs(
      database.superuserUrl,
      `set session_replication_role = replica;
       delete from security_event where id = (select id from security_event order by id limit 1)`,
    );
    const { code, out } = await audit('verify');
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/^✗ event [0-9a-f-]{36} \(position \d, seal 1\) is missing\n$/),
    ]);
    expect((await audit('verify', '--seal', `9:${'0'.repeat(64)}`)).code).toBe(1);
  });

  it.each([[['verify', '--seal', '1']], [['verify', 'x']], [[]], [['export', '--to', 'a', '--after', '1']]])(
    'refuses %j',
    async (args) => {
      expect((await audit(...args)).code).toBe(2);
    },
  );
});

describe('export', () => {
  it('writes one line an event to the standard output, from a position', async () => {
    await sealSome(2_500);
    const all = lines((await audit('export')).out);
    expect(all.map(({ position }) => position)).toEqual(upTo(2_500));
    for (const { id, event } of all) expect(event?.id).toBe(id);
    expect(lines((await audit('export', '--after', '2498')).out).map(({ position }) => position)).toEqual([
      2_499, 2_500,
    ]);
  });

  it('goes on where the file ends, readable by its owner only', async () => {
    await sealSome(3);
    expect((await audit('export', '--to', file)).out).toBe(`wrote 1 to 3 to ${file}\n`);
    expect((await audit('export', '--to', file)).out).toBe(`nothing new in ${file}\n`);
    await sealSome(2);
    expect((await audit('export', '--to', file)).out).toBe(`wrote 4 to 5 to ${file}\n`);
    expect(lines(readFileSync(file, 'utf8')).map(({ position }) => position)).toEqual(upTo(5));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('writes a line again that was cut off, wherever it was', async () => {
    await sealSome(4);
    await audit('export', '--to', file);
    const whole = readFileSync(file, 'utf8');
    for (let cut = 1; cut < whole.length; cut += Math.ceil(whole.length / 12)) {
      truncateSync(file, whole.length - cut);
      if (cut % 2 === 0) appendFileSync(file, Buffer.alloc(20));
      expect(await audit('export', '--to', file)).toMatchObject({ code: 0 });
      expect(readFileSync(file, 'utf8')).toBe(whole);
    }
  });

  it('does not go on in a file with events of another chain, as after a restore', async () => {
    await sealSome(5);
    await audit('export', '--to', file);
    const whole = readFileSync(file, 'utf8');
    await database[Symbol.asyncDispose]();
    database = await openTestDatabase();
    for (const what of ['shorter', 'longer']) {
      await sealSome(3);
      expect([what, await audit('export', '--to', file)]).toMatchObject([what, { code: 2 }]);
      expect(readFileSync(file, 'utf8')).toBe(whole);
    }
  });

  it('leaves a file alone that it did not write', async () => {
    await sealSome(1);
    for (const foreign of ['precious', 'precious\nlines\n']) {
      writeFileSync(file, foreign);
      expect(await audit('export', '--to', file)).toMatchObject({ code: 2 });
      expect(readFileSync(file, 'utf8')).toBe(foreign);
    }
  });

  it('has neither a gap nor a repetition after kill -9 at any moment', { timeout: limitFor(120_000) }, async () => {
    const count = 6_000;
    await sealSome(count);
    for (let round = 0; round < effort(6, 40); round += 1) {
      const child = spawn(process.execPath, ['apps/cli/audit.ts', 'export', '--to', file], { env: env() });
      const ended = once(child, 'exit');
      while (!existsSync(file) && child.exitCode === null) await sleep(2);
      await sleep(Math.random() * 60);
      child.kill('SIGKILL');
      await ended;
    }
    expect(await audit('export', '--to', file)).toMatchObject({ code: 0 });
    expect(lines(readFileSync(file, 'utf8')).map(({ position }) => position)).toEqual(upTo(count));
  });
});
