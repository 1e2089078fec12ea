import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { effort, limitFor } from '#testing/effort.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { repository } from '#testing/repository.ts';
import { readSegment } from '#webhooks/spool/frame.ts';
import { openSpool, type Spool } from '#webhooks/spool/spool.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spool-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
});

async function opened(maxBytes = 64 * 1024 * 1024): Promise<Spool> {
  const spool = await openSpool({ root, maxBytes });
  onTestFinished(() => spool.close());
  return spool;
}

/** The bodies of all receipts in their order; empties the spool. */
async function drained(spool: Spool): Promise<string[]> {
  const bodies = [];
  for (let segment = await spool.oldest(); segment !== undefined; segment = await spool.oldest()) {
    const { drafts } = readSegment(await readFile(segment.path));
    bodies.push(...drafts.map(({ body }) => body?.toString() ?? ''));
    await spool.remove(segment);
  }
  return bodies;
}

const isSegment = (name: string): boolean => name.endsWith('.seg');
const add = (spool: Spool, body: string) => spool.add(receiptDraft(body), 1_000);

it('gives back what was added, in order, once', async () => {
  const spool = await opened();
  const bodies = Array.from({ length: 500 }, (_, n) => `body ${n}`);
  await Promise.all(bodies.slice(0, 300).map((body) => add(spool, body)));
  const first = await drained(spool);
  await Promise.all(bodies.slice(300).map((body) => add(spool, body)));
  expect([...first, ...(await drained(spool))]).toEqual(bodies);
  expect(spool.usedBytes).toBe(0);
});

it('is readable by its owner only', async () => {
  const spool = await opened();
  await add(spool, 'x');
  const segment = await spool.oldest();
  expect(statSync(segment!.path).mode & 0o777).toBe(0o600);
  expect(statSync(join(segment!.path, '..')).mode & 0o777).toBe(0o700);
});

it('answers copies of what it holds with the first id', async () => {
  const spool = await opened();
  const copies = await Promise.all(Array.from({ length: 100 }, () => add(spool, 'one body')));
  expect(new Set(copies.map(({ id }) => id)).size).toBe(1);
  expect(copies.filter(({ isCopy }) => !isCopy)).toHaveLength(1);
  await drained(spool);
  expect((await add(spool, 'one body')).isCopy).toBe(false);
});

it('takes nothing for a copy of what it did not keep', async () => {
  const spool = await opened();
  const waiting = Array.from({ length: 8_192 }, (_, n) => add(spool, `body ${n}`));
  await expect(add(spool, 'one too many')).rejects.toMatchObject({ code: 'journal-full' });
  await Promise.allSettled(waiting);
  expect(await add(spool, 'one too many')).toMatchObject({ isCopy: false });
});

it('refuses what would take it past its bound, and takes more once it was drained', async () => {
  const spool = await opened(100_000);
  const results = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => add(spool, `${n}`.repeat(100))));
  const accepted = results.filter(({ status }) => status === 'fulfilled').length;
  expect(accepted).toBeGreaterThan(10);
  expect(accepted).toBeLessThan(200);
  const reasons = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
  expect(reasons).toEqual(reasons.map(() => expect.objectContaining({ code: 'journal-full' })));
  expect(spool.usedBytes).toBeLessThanOrEqual(100_000);
  expect(await drained(spool)).toHaveLength(accepted);
  expect(spool.hasRoom).toBe(true);
  await add(spool, 'again');
});

it('refuses what the disk refuses, keeps what it has, and goes on when the disk does', async () => {
  const spool = await opened();
  await add(spool, 'before');
  const kept = await spool.oldest();
  const directory = join(kept!.path, '..');
  await rename(directory, `${directory}.away`);
  await writeFile(directory, 'no directory');
  await expect(add(spool, 'meanwhile')).rejects.toMatchObject({ code: 'journal-full' });
  await rm(directory);
  await rename(`${directory}.away`, directory);
  await add(spool, 'after');
  expect(await drained(spool)).toEqual(['before', 'after']);
});

it('leaves no files behind that the disk had no room for', () => {
  const script = `
    import { openSpool } from '#webhooks/spool/spool.ts';
    import { receiptDraft } from '#testing/receipt-draft.ts';
    const spool = await openSpool({ root: process.argv[1], maxBytes: 1_000_000 });
    for (const body of ['1', '2', '3']) await spool.add(receiptDraft(body), 10_000).catch(({ code }) => console.log(code));
    process.exit();`;
  const command = 'ulimit -f 0; exec "$@"';
  const node = [process.execPath, '--input-type=module', '--eval', script, root];
  const { stdout } = spawnSync('sh', ['-c', command, 'sh', ...node], { cwd: repository, encoding: 'utf8' });
  expect(stdout).toBe('journal-full\n'.repeat(3));
  expect(readdirSync(root, { recursive: true }).filter((name) => isSegment(String(name)))).toEqual([]);
});

describe('what a process has left', () => {
  it('is taken over by one of the others, oldest first, with a torn end dropped', async () => {
    const gone = await openSpool({ root, maxBytes: 1_000_000 });
    for (const body of ['1', '2']) await add(gone, body);
    const segment = await gone.oldest();
    await add(gone, '3');
    await gone.close();
    await appendFile(segment!.path, (await readFile(segment!.path)).subarray(8, 100));

    const one = await opened();
    await add(one, '4');
    expect(await one.adopt()).toBe(2);
    expect(await drained(one)).toEqual(['1', '2', '3', '4']);
    expect(readdirSync(root)).toHaveLength(1);
  });

  it('is taken over by one of them only, when several try at once', async () => {
    for (let n = 0; n < 5; n += 1) {
      const gone = await openSpool({ root, maxBytes: 1_000_000 });
      await add(gone, `${n}`);
      await gone.close();
    }
    const heirs = await Promise.all(Array.from({ length: 4 }, () => opened()));
    const adopted = await Promise.all(heirs.map((heir) => heir.adopt()));
    expect(adopted.reduce((sum, count) => sum + count, 0)).toBe(5);
    const bodies = await Promise.all(heirs.map((heir) => drained(heir)));
    expect(bodies.flat().toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['0', '1', '2', '3', '4']);
  });

  it('is taken over from a living one that this machine can not see, which loses nothing by it', async () => {
    const [one, two] = [await opened(), await opened()];
    await add(one, 'closed');
    await one.oldest();
    await add(one, 'open');
    const [own = ''] = readdirSync(root).filter((name) => readdirSync(join(root, name)).some(isSegment));
    const takeOver = async (): Promise<string[]> => {
      await rm(join(root, own, 'alive'));
      await two.adopt();
      return drained(two);
    };
    expect(await takeOver()).toEqual(['closed', 'open']);
    for (const body of ['after', 'next']) await add(one, body);
    expect(await takeOver()).toEqual(['after', 'next']);
    // It has no file now, and takes over what others leave all the same.
    const gone = await openSpool({ root, maxBytes: 1_000_000 });
    await add(gone, 'left');
    await gone.close();
    expect(await one.adopt()).toBe(1);
  });

  it('is left alone while that process lives', async () => {
    const [one, two] = [await opened(), await opened()];
    await add(one, 'mine');
    expect(await two.adopt()).toBe(0);
    expect(await drained(one)).toEqual(['mine']);
  });

  it('holds all that it had acknowledged, however often it is killed', { timeout: limitFor(60_000) }, async () => {
    const acknowledged: string[] = [];
    const found: string[] = [];
    for (let round = 0; round < effort(6, 60); round += 1) {
      const child = startWriter(round);
      child.on('message', (body: string) => void acknowledged.push(body));
      await once(child, 'message');
      await new Promise((resolve) => {
        setTimeout(resolve, Math.random() * 60);
      });
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    const spool = await opened();
    await spool.adopt();
    found.push(...(await drained(spool)));
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(new Set(found)).toEqual(expect.objectContaining({ size: found.length }));
    const missing = acknowledged.filter((body) => !found.includes(body));
    expect(missing).toEqual([]);
    const order = (round: number): number[] =>
      found.filter((body) => body.startsWith(`${round}-`)).map((body) => Number(body.split('-')[1]));
    expect(order(0)).toEqual(order(0).toSorted((a, b) => a - b));
  });

  function startWriter(round: number): ChildProcess {
    return fork(join(import.meta.dirname, '../../testing/spool-writer.ts'), [root, String(round)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }
});
