import { createHash, randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFailure } from '#runtime/failure.ts';
import { effort } from '#testing/effort.ts';
import { answering, openFakeClamd, type Behaviour, type FakeClamd } from '#testing/fake-clamd.ts';
import { sourceOf } from '#uploads/canary.ts';
import { openClamscanScanner } from '#uploads/clamscan-scanner.ts';
import type { Scanner, ScanSource } from '#uploads/scanner.ts';

const DEADLINE_MS = 400;
const CONTENT = Buffer.from('some bytes to be scanned');

describe('the scanner', () => {
  let clamd: FakeClamd;
  let scanner: Scanner;
  beforeAll(async () => {
    clamd = await openFakeClamd();
    scanner = await openClamscanScanner({ address: clamd.address, deadlineMs: DEADLINE_MS });
  });
  afterAll(() => clamd[Symbol.asyncDispose]());

  const ask = async (behaviour: Behaviour, source: ScanSource = sourceOf(CONTENT), by = scanner) => {
    clamd.behave(behaviour);
    try {
      return await by.scan(source);
    } catch (error) {
      return isFailure(error) ? `${error.code}: ${error.detail}` : String(error);
    }
  };

  it.each([
    ['nothing found', 'stream: OK\0', { kind: 'clean' }],
    ['a signature', 'stream: Eicar-Test-Signature FOUND\0', { kind: 'infected', signature: 'Eicar-Test-Signature' }],
    [
      'a limit',
      'stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\0',
      { kind: 'unscannable', reason: 'archive-limits', signature: 'Heuristics.Limits.Exceeded.MaxFiles' },
    ],
    [
      'an encrypted archive',
      'stream: Heuristics.Encrypted.Zip FOUND\0',
      { kind: 'unscannable', reason: 'encrypted-archive', signature: 'Heuristics.Encrypted.Zip' },
    ],
    [
      'too long a stream',
      'INSTREAM size limit exceeded. ERROR\0',
      { kind: 'unscannable', reason: 'archive-limits', signature: 'StreamMaxLength' },
    ],
  ])('reports %s', async (_, reply, verdict) => {
    expect(await ask(answering(reply))).toEqual(verdict);
  });

  it.each([
    ['74g: a cut answer', 'stream: OK', 'bad-reply'],
    ['74h: two answers', 'stream: Eicar FOUND\0stream: OK\0', 'bad-reply'],
    ['74h: two clean answers', 'stream: OK\0stream: OK\0', 'bad-reply'],
    ['74i: a time-out of clamd', 'COMMAND READ TIMED OUT\0', 'bad-reply'],
    ['74i: an unknown command', 'UNKNOWN COMMAND\0', 'bad-reply'],
    ['74i: noise', '\u00ff\u0001\u0002\0', 'bad-reply'],
    ['74i: an error of clamd', 'stream: Can not open file ERROR\0', 'clamd-error'],
    ['74i: a clean answer in a longer one', 'x stream: OK\0', 'bad-reply'],
    ['74i: a clean answer and a line end', 'stream: OK\n\0', 'bad-reply'],
    ['74i: an answer that never ends', `stream: ${'x'.repeat(5_000)} FOUND\0`, 'bad-reply'],
    ['74j: no answer', '', 'closed-without-reply'],
  ])('takes %s for no verdict', async (_, reply, fault) => {
    expect(await ask(answering(reply))).toBe(`scan-inconclusive: ${fault}`);
  });

  it('74b: gives up a clamd that never answers, at its deadline', async () => {
    const begunMs = performance.now();
    expect(await ask(() => undefined)).toBe('scan-inconclusive: timeout');
    expect(performance.now() - begunMs).toBeLessThan(DEADLINE_MS * 4);
  });

  it('gives up a clamd that keeps the connection busy, at its deadline', async () => {
    const drip: Behaviour = async ({ socket, complete }) => {
      await complete;
      for (let at = 0; at < 200 && !socket.destroyed; at += 1) {
        socket.write('s');
        await sleep(10);
      }
    };
    expect(await ask(drip)).toBe('scan-inconclusive: timeout');
  });

  it('74a: says at once that there is no clamd', async () => {
    const nowhere = await openClamscanScanner({ address: { path: '/nonexistent/clamd.sock' } });
    expect(await ask(() => undefined, sourceOf(CONTENT), nowhere)).toBe('scanner-unavailable: no connection');
  });

  it('74f: puts an answer together that comes byte by byte', async () => {
    const drip: Behaviour = async ({ socket, complete }) => {
      await complete;
      for (const byte of 'stream: OK\0') {
        socket.write(byte);
        await sleep(1);
      }
      socket.end();
    };
    expect(await ask(drip)).toEqual({ kind: 'clean' });
  });

  it('74j: takes a reset after any part of a clean answer for no verdict', async () => {
    for (let length = 0; length <= 'stream: OK\0'.length; length += 1) {
      const reset: Behaviour = async ({ socket, complete }) => {
        await complete;
        if (length > 0) await new Promise((resolve) => socket.write('stream: OK\0'.slice(0, length), resolve));
        socket.resetAndDestroy();
      };
      expect(await ask(reset)).toMatch(/^scan-inconclusive: (?:io|closed-without-reply|bad-reply)$/);
    }
  });

  it('74k: believes no clean answer that comes before all bytes were sent', async () => {
    const answered = Promise.withResolvers<void>();
    const early: Behaviour = ({ socket }) => {
      socket.write('stream: OK\0', () => answered.resolve());
    };
    const parts = [randomBytes(1_000), randomBytes(1_000)];
    const whole = sourceOf(...parts);
    const source: ScanSource = {
      ...whole,
      async *read() {
        yield parts[0]!;
        await answered.promise;
        await sleep(50);
        yield parts[1]!;
      },
    };
    expect(await ask(early, source)).toMatch(/^scan-inconclusive: /);
  });

  it('stops sending when clamd has found something', async () => {
    const size = 32 * 1024 * 1024;
    let received = 0;
    const hasty: Behaviour = async ({ socket, state }) => {
      while (state.bytes === 0) await sleep(1);
      socket.end('stream: Found-Early FOUND\0');
      await sleep(50);
      received = state.bytes;
    };
    expect(await ask(hasty, sourceOf(Buffer.alloc(size)))).toEqual({ kind: 'infected', signature: 'Found-Early' });
    expect(received).toBeLessThan(size);
  });

  it.each([
    ['other bytes', { sha256: createHash('sha256').update('others').digest() }],
    ['fewer bytes', { sizeBytes: CONTENT.length + 1 }],
    ['more bytes', { sizeBytes: CONTENT.length - 1 }],
  ])('78: does not let %s than those that were stored be scanned to their end', async (_, lie) => {
    let isComplete = false;
    const watch: Behaviour = async ({ state, closed }) => {
      await closed;
      isComplete = state.isComplete;
    };
    expect(await ask(watch, { ...sourceOf(CONTENT), ...lie })).toEqual({ kind: 'tampered' });
    await sleep(20);
    expect(isComplete).toBe(false);
  });

  it('fails when the bytes can not be read', async () => {
    const source: ScanSource = {
      ...sourceOf(CONTENT),
      async *read() {
        yield CONTENT.subarray(0, 3);
        throw new Error('EIO');
      },
    };
    expect(await ask(answering('stream: OK\0'), source)).toBe('scan-inconclusive: io');
  });

  it('sends what a source reads into one buffer again and again, also to a clamd that takes its time', async () => {
    const content = randomBytes(3 * 1024 * 1024);
    const buffer = Buffer.alloc(128 * 1024);
    const source: ScanSource = {
      ...sourceOf(content),
      async *read() {
        for (let at = 0, turn = 0; at < content.length; turn += 1) {
          const length = Math.min([buffer.length, 4, 10, 1, 100_000][turn % 5]!, content.length - at);
          content.copy(buffer, 0, at, at + length);
          yield buffer.subarray(0, length);
          buffer.fill(0xaa);
          at += length;
        }
      },
    };
    let received: string | undefined;
    const leisurely: Behaviour = async ({ socket, state, complete }) => {
      for (let pause = 0; pause < 10; pause += 1) {
        socket.pause();
        await sleep(5);
        socket.resume();
        await sleep(1);
      }
      await complete;
      received = state.sha256.digest('hex');
      socket.end('stream: OK\0');
    };
    const patient = await openClamscanScanner({ address: clamd.address, deadlineMs: 10_000 });
    expect(await ask(leisurely, source, patient)).toEqual({ kind: 'clean' });
    expect(received).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('stops when it is told to', async () => {
    clamd.behave(() => undefined);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('stopping')), 20);
    await expect(scanner.scan(sourceOf(CONTENT), abort.signal)).rejects.toThrow('stopping');
  });

  it('holds no more than a little of what a stalled clamd does not take', { timeout: 20_000 }, async () => {
    const stalled: Behaviour = ({ socket }) => {
      socket.pause();
      setTimeout(() => socket.resume(), 1_500);
    };
    clamd.behave(stalled);
    const patient = await openClamscanScanner({ address: clamd.address, deadlineMs: 1_000 });
    const size = 50 * 1024 * 1024;
    const sha256 = createHash('sha256').update(Buffer.alloc(size)).digest();
    const read = async function* (): AsyncGenerator<Buffer> {
      for (let at = 0; at < size; at += 128 * 1024) yield Buffer.alloc(128 * 1024);
    };
    const before = process.memoryUsage().arrayBuffers;
    const scans = Array.from({ length: 4 }, () =>
      patient.scan({ sizeBytes: size, sha256, read }).catch(() => undefined),
    );
    await sleep(500);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
    await Promise.all(scans);
  });

  it('never promotes, hangs or leaks, however clamd answers', { timeout: 600_000 }, async () => {
    const hurried = await openClamscanScanner({ address: clamd.address, deadlineMs: 250 });
    const runs = effort(1_000, 10_000);
    const counts = { clean: 0, infected: 0, failed: 0, wrong: [] as string[] };
    const one = async (): Promise<void> => {
      const script = randomScript();
      const content = randomBytes(randomInt(1, 5_000));
      clamd.behave(script.behave);
      const begunMs = performance.now();
      const verdict = await hurried.scan(sourceOf(content)).catch(() => undefined);
      const isLate = performance.now() - begunMs >= 250;
      if (verdict === undefined) counts.failed += 1;
      else if (verdict.kind === 'infected') counts.infected += 1;
      else if (verdict.kind === 'clean') {
        counts.clean += 1;
        if (!script.isClean) counts.wrong.push(script.what);
      }
      if (script.isClean && verdict?.kind !== 'clean' && !isLate) counts.wrong.push(`not clean: ${script.what}`);
    };
    // One at a time, because the fake has one behaviour at a time.
    for (let run = 0; run < runs; run += 1) await one();
    await sleep(300);
    expect(counts.wrong).toEqual([]);
    expect(counts.clean + counts.infected + counts.failed).toBeGreaterThan(runs * 0.8);
    expect(Math.min(counts.clean, counts.infected, counts.failed)).toBeGreaterThan(0);
    expect(clamd.connections()).toBe(0);
  });
});

interface Script {
  what: string;
  /** Exactly the clean answer, whole, after everything has come. */
  isClean: boolean;
  behave: Behaviour;
}

const CLEAN = 'stream: OK\0';
const LINES = [
  CLEAN,
  'stream: OK',
  'stream: OK\n',
  'stream: ok\0',
  ' stream: OK\0',
  'stream: Eicar-Test-Signature FOUND\0',
  'stream: FOUND\0',
  'INSTREAM size limit exceeded. ERROR\0',
  'COMMAND READ TIMED OUT\0',
  'UNKNOWN COMMAND\0',
  '1: stream: OK\0',
  '\0',
];

function randomScript(): Script {
  const lines = Array.from({ length: [1, 1, 1, 2, 3][randomInt(5)]! }, () => pick(LINES));
  let reply = Buffer.from(lines.join(''), 'latin1');
  const noise = randomInt(6);
  if (noise === 0) reply = reply.subarray(0, randomInt(reply.length + 1));
  if (noise === 1) reply = randomBytes(randomInt(1, 60));
  if (noise === 2 && reply.length > 0) reply[randomInt(reply.length)] = randomInt(256);
  const pieces = split(reply, randomInt(1, 5));
  const end = pick([...Array.from({ length: 8 }, () => 'end' as const), 'reset', 'reset', 'hang'] as const);
  const delayMs = pick([0, 0, 0, 1, 3]);
  const isClean = reply.toString('latin1') === CLEAN && end === 'end';
  return {
    what: `${JSON.stringify(reply.toString('latin1'))} in ${pieces.length}, then ${end}`,
    isClean,
    async behave({ socket, complete }) {
      await complete;
      for (const piece of pieces) {
        socket.write(piece);
        if (delayMs > 0) await sleep(delayMs);
      }
      if (end === 'end') socket.end();
      if (end === 'reset') socket.resetAndDestroy();
    },
  };
}

function split(bytes: Buffer, count: number): Buffer[] {
  const cuts = Array.from({ length: count - 1 }, () => randomInt(bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
}

function pick<T>(items: readonly T[]): T {
  return items[randomInt(items.length)]!;
}
