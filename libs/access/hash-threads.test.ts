import { verify } from '@node-rs/argon2';
import { hashSync } from '@node-rs/bcrypt';
import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openHashThreads, type HashTask, type HashThreads } from '#access/hash-threads.ts';

const options = { memoryCost: 8_192, timeCost: 1, parallelism: 1 };
const password = Buffer.from('otters juggle in moonlight');

let threads: HashThreads;
beforeEach(() => {
  threads = openHashThreads();
});
afterEach(() => threads.close());
const resultOf = async (task: HashTask) => (await threads.run(task)).result;

it('make and check what the library itself does, several at once', async () => {
  const hashes = await Promise.all(
    Array.from({ length: 3 }, async () => String(await resultOf({ kind: 'make', password, options }))),
  );
  for (const hash of hashes) {
    expect(await verify(hash, password)).toBe(true);
    expect(await resultOf({ kind: 'check', hash, password, options })).toBe(true);
    const wrong = Buffer.from('otters juggle in sunlight');
    expect(await resultOf({ kind: 'check', hash, password: wrong, options })).toBe(false);
  }
});

it('check bcrypt as its library does', async () => {
  const hash = hashSync(password, 4);
  expect(await resultOf({ kind: 'check', hash, password, options })).toBe(true);
  const wrong = Buffer.from('otters juggle in sunlight');
  expect(await resultOf({ kind: 'check', hash, password: wrong, options })).toBe(false);
});

it('report a fault and go on', async () => {
  await expect(threads.run({ kind: 'check', hash: 'no hash', password, options })).rejects.toThrow('the hash: ');
  expect(await resultOf({ kind: 'make', password, options })).toMatch(/^\$argon2id\$/);
});

it('fail what they were doing when they are ended', async () => {
  const slow = threads.run({ kind: 'make', password, options: { ...options, memoryCost: 262_144, timeCost: 20 } });
  await Promise.all([expect(slow).rejects.toThrow('has ended'), threads.close()]);
});

it.runIf(process.platform === 'linux')('come after the threads that serve requests', async () => {
  await threads.run({ kind: 'make', password, options });
  // Field 19 of /proc/<pid>/task/<tid>/stat is the nice value; the name in field 2 may hold spaces.
  const nices = readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
  expect(nices).toContain(Math.min(constants.priority.PRIORITY_LOW, getPriority() + 10));
  expect(nices).toContain(getPriority());
});
