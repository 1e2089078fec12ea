import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '#runtime/failure.ts';
import { effort } from '#testing/effort.ts';
import { answerIn, rawRequest } from '#testing/raw-request.ts';
import { multipart, send, upload, type Part } from '#testing/upload-client.ts';
import { OWNER, STRANGER, type UploadSystem } from '#testing/upload-core.ts';
import { openUploadSystem } from '#testing/upload-system.ts';

const MAX_BYTES = 1024 * 1024;
const FORM = 'multipart/form-data; boundary=b';
const FILE: Part = { filename: 'a.txt', type: 'text/plain', content: 'hello' };

let system: UploadSystem;
beforeAll(async () => {
  system = await openUploadSystem({
    limits: { maxBytes: MAX_BYTES },
    pace: { windowMs: 400, minBytesPerSecond: 8 * 1024 },
  });
});
afterAll(() => system?.[Symbol.asyncDispose]());

/** A request to upload, line by line, with its body. */
function request(headers: readonly string[], body: Buffer | string = ''): Buffer {
  const head = ['POST /api/attachments/t HTTP/1.1', 'Host: x', `X-Caller: ${OWNER}`, ...headers, '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n')), Buffer.from(body as string)]);
}

function form(parts: readonly Part[], boundary = 'b'): Buffer {
  return multipart(parts, boundary).body;
}

async function post(headers: Record<string, string>, body: Buffer) {
  const answer = await send(system.origin, '/api/attachments/t', { body, headers });
  return [answer.status, answer.json?.code];
}

/** Nothing is left behind by what was refused. */
async function traces(): Promise<unknown> {
  const { rows } = await system.pool.query('select count(*) as rows from upload where sha256 is null or status <> $1', [
    'clean',
  ]);
  await sleep(20);
  return { rows: rows[0].rows, files: system.files().quarantine };
}

describe('a request to upload', () => {
  afterEach(async () => {
    await system.settled();
    expect(await traces()).toEqual({ rows: 0, files: [] });
  });

  const bodies: [string, Record<string, string>, Buffer, readonly [number, string]][] = [
    ['53a: no boundary', { 'content-type': 'multipart/form-data' }, form([FILE]), [400, 'malformed-multipart']],
    ['53b: an empty form', { 'content-type': FORM }, Buffer.alloc(0), [400, 'malformed-multipart']],
    [
      '53b: an empty raw body',
      { 'content-type': 'text/plain', 'content-disposition': 'attachment; filename=a.txt' },
      Buffer.alloc(0),
      [400, 'file-empty'],
    ],
    ['53c: an empty file', { 'content-type': FORM }, form([{ ...FILE, content: '' }]), [400, 'file-empty']],
    [
      '53d: a form that ends early',
      { 'content-type': FORM },
      form([FILE]).subarray(0, -8),
      [400, 'malformed-multipart'],
    ],
    [
      '53d: a form that ends in a header',
      { 'content-type': FORM },
      form([FILE]).subarray(0, 30),
      [400, 'malformed-multipart'],
    ],
    [
      '53e: too long a boundary',
      { 'content-type': `multipart/form-data; boundary=${'b'.repeat(71)}` },
      form([FILE], 'b'.repeat(71)),
      [400, 'malformed-multipart'],
    ],
    ['54a: two files', { 'content-type': FORM }, form([FILE, FILE]), [413, 'too-many-files']],
    [
      '54b: a file under another name',
      { 'content-type': FORM },
      form([{ ...FILE, name: 'upload' }]),
      [400, 'file-missing'],
    ],
    ['54b: no file at all', { 'content-type': FORM }, form([]), [400, 'file-missing']],
    [
      '55a: 1,000 fields',
      { 'content-type': FORM },
      form([...Array.from({ length: 1_000 }, (_, index) => ({ name: `f${index}`, content: 'x' })), FILE]),
      [400, 'too-many-fields'],
    ],
    [
      '55b: fields that make arrays',
      { 'content-type': FORM },
      form([{ name: 'a[4294967294]', content: 'x' }, { name: 'a[foo]', content: 'x' }, FILE]),
      [400, 'too-many-fields'],
    ],
    [
      '55c: fields that make objects',
      { 'content-type': FORM },
      form([{ name: '__proto__[x]', content: 'y' }, FILE]),
      [400, 'too-many-fields'],
    ],
    [
      '55d: 2,000 lines in a part header',
      { 'content-type': FORM },
      form([{ ...FILE, type: `text/plain${'\r\nX-Y: z'.repeat(2_000)}` }]),
      [400, 'malformed-multipart'],
    ],
    [
      '55e: a part header of 1 MB',
      { 'content-type': FORM },
      form([{ ...FILE, content: 'x', type: `text/plain\r\nX-Y: ${'z'.repeat(900_000)}` }]),
      [400, 'malformed-multipart'],
    ],
    [
      '57: a file that is too large',
      { 'content-type': FORM },
      form([{ ...FILE, content: Buffer.alloc(MAX_BYTES + 1, 'a') }]),
      [413, 'too-large'],
    ],
    [
      '61: an encoded body',
      { 'content-type': FORM, 'content-encoding': 'gzip' },
      form([FILE]),
      [415, 'encoding-not-allowed'],
    ],
    [
      '62: another content type',
      { 'content-type': 'application/x-www-form-urlencoded' },
      Buffer.from('a=b'),
      [415, 'type-not-allowed'],
    ],
    ['62: no content type', {}, Buffer.from('a=b'), [415, 'type-not-allowed']],
    [
      '64d: another digest',
      { 'content-type': FORM, 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` },
      form([FILE]),
      [422, 'digest-mismatch'],
    ],
    [
      '64d: another digest in its field',
      { 'content-type': FORM },
      form([FILE, { name: 'sha256', content: '0'.repeat(64) }]),
      [422, 'digest-mismatch'],
    ],
    [
      '64d: a digest that is none',
      { 'content-type': FORM, 'repr-digest': 'sha-256=:abc:' },
      form([FILE]),
      [400, 'request-malformed'],
    ],
    [
      '64: a key that is none',
      { 'content-type': FORM, 'idempotency-key': 'a b' },
      form([FILE]),
      [400, 'request-malformed'],
    ],
  ];

  it.each(bodies)('is refused for %s', async (_, headers, body, answer) => {
    expect(await post(headers, body)).toEqual(answer);
  });

  it.each([
    [
      '56a: a length shorter than its body',
      request([`Content-Type: ${FORM}`, 'Content-Length: 60'], form([FILE])),
      400,
      'malformed-multipart',
    ],
    [
      '56c: a length and chunks',
      request([`Content-Type: ${FORM}`, 'Content-Length: 5', 'Transfer-Encoding: chunked']),
      400,
      undefined,
    ],
    ['56d: a negative length', request([`Content-Type: ${FORM}`, 'Content-Length: -5']), 400, undefined],
    ['56e: two lengths', request([`Content-Type: ${FORM}`, 'Content-Length: 5', 'Content-Length: 6']), 400, undefined],
    [
      '57: a file without a length that is too large',
      request(
        [`Content-Type: ${FORM}`, 'Transfer-Encoding: chunked'],
        chunked(form([{ ...FILE, content: Buffer.alloc(2 * MAX_BYTES) }])),
      ),
      413,
      'too-large',
    ],
    [
      'a raw body without a length that is too large',
      request(
        ['Content-Type: text/plain', 'Content-Disposition: attachment; filename=a.txt', 'Transfer-Encoding: chunked'],
        chunked(Buffer.alloc(MAX_BYTES + 1, 'a')),
      ),
      413,
      'too-large',
    ],
    [
      '56b: a length longer than its body, then silence',
      request([`Content-Type: ${FORM}`, 'Content-Length: 9999'], form([FILE])),
      408,
      'too-slow',
    ],
  ])('is answered on the wire for %s', async (_, bytes, status, code) => {
    const raw = await rawRequest(system.port, bytes, { silenceMs: 1_500 });
    expect(answerIn(raw)).toEqual({ status, code });
    // One answer: what is left of the body is no second request.
    expect(raw.match(/HTTP\/1\.1 [2-5]/g)).toHaveLength(1);
  });

  it('59b: is ended when its body drips', async () => {
    const head = request([`Content-Type: ${FORM}`, 'Content-Length: 9999'], form([FILE]).subarray(0, 40));
    const pieces = Array.from({ length: 60 }, () => 'x');
    const raw = await rawRequest(system.port, head, { pieces, pauseMs: 30, silenceMs: 1_500 });
    expect(answerIn(raw)).toEqual({ status: 408, code: 'too-slow' });
  });

  it('58: that is too large and asks first is refused without a byte of its body', async () => {
    const raw = await rawRequest(
      system.port,
      request([`Content-Type: ${FORM}`, `Content-Length: ${MAX_BYTES * 3}`, 'Expect: 100-continue']),
      { silenceMs: 300 },
    );
    expect(raw).toMatch(/^HTTP\/1\.1 413 /);
    expect(raw.toLowerCase()).toContain(`upload-limit: max-size=${MAX_BYTES}`);
    expect(raw).toContain(`"maxBytes":${MAX_BYTES}`);
  });

  it('that asks first is told to go on only when it is let in', async () => {
    const body = form([FILE]);
    const headers = [`Content-Type: ${FORM}`, `Content-Length: ${body.length}`, 'Expect: 100-continue'];
    const raw = await rawRequest(system.port, request(headers), { pieces: [body], pauseMs: 100, silenceMs: 500 });
    expect(raw).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
    const anonymous = request(headers)
      .toString('latin1')
      .replace(/X-Caller: \S+\r\n/, '');
    expect(await rawRequest(system.port, anonymous, { silenceMs: 300 })).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('that is refused is read no further than a little', async () => {
    const size = 64 * 1024 * 1024;
    const socket = connect(system.port, '127.0.0.1');
    socket.on('error', () => undefined);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(request([`Content-Type: ${FORM}`, `Content-Length: ${size}`]));
    const piece = Buffer.alloc(64 * 1024);
    let sent = 0;
    while (sent < size && !socket.destroyed && socket.writable) {
      sent += piece.length;
      if (!socket.write(piece)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    }
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    // What the kernel's buffers hold was sent, but never read.
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it.each([
    [
      '53e: a boundary of 70 characters',
      `multipart/form-data; boundary=${'b'.repeat(70)}`,
      form([FILE], 'b'.repeat(70)),
    ],
    ['63a: bytes before its first boundary', FORM, Buffer.concat([Buffer.from('preamble\r\n'), form([FILE])])],
    ['63b: bytes after its last boundary', FORM, Buffer.concat([form([FILE]), Buffer.from('epilogue')])],
    ['a quoted boundary', 'multipart/form-data; boundary="b"', form([FILE])],
  ])('is accepted with %s', async (_, contentType, body) => {
    const answer = await send(system.origin, '/api/attachments/t', { body, headers: { 'content-type': contentType } });
    expect([answer.status, answer.json.size]).toEqual([202, 5]);
  });

  it('53f: may hold its boundary in its content', async () => {
    const content = Buffer.from('x --b y\n--bb\r\nz');
    const accepted = await send(system.origin, '/api/attachments/t', {
      body: form([{ ...FILE, content }], 'b'.repeat(9)),
      headers: { 'content-type': `multipart/form-data; boundary=${'b'.repeat(9)}` },
    });
    await system.settled();
    const served = await send(system.origin, `/api/uploads/${accepted.json.id}/content`);
    expect(served.body).toEqual(content);
  });

  it('55b: does not hold up others', async () => {
    const evil = form([{ name: 'a[4294967294]', content: 'x' }, { name: 'a[foo]', content: 'x' }, FILE]);
    const begunMs = performance.now();
    await Promise.all([post({ 'content-type': FORM }, evil), upload(system.origin, FILE)]);
    expect(performance.now() - begunMs).toBeLessThan(1_000);
  });

  it('66d: is not read without a caller', async () => {
    const answer = await upload(system.origin, FILE, { caller: '' });
    expect(answer.status).toBe(401);
  });

  it('66a: to what is no ticket meets nothing', async () => {
    for (const ticketId of ['a%20b', 'x'.repeat(65), '..%2f..']) {
      expect((await upload(system.origin, FILE, { ticketId })).status).toBe(404);
    }
  });
});

describe('an upload that is aborted', () => {
  // The pool opens its connections as they are needed: they are no leak.
  beforeAll(() => Promise.all(Array.from({ length: 16 }, () => system.pool.query('select pg_sleep(0.05)'))));

  it.each([10, 50, 99])('60: at %i %% leaves nothing', async (percent) => {
    const before = openDescriptors();
    const body = form([{ ...FILE, content: Buffer.alloc(500_000, 'a') }]);
    await abort(body, percent);
    expect(await leftAfter(before)).toEqual({ files: [], descriptors: 0 });
  });

  it('leaves nothing a thousand times', { timeout: 120_000 }, async () => {
    const before = openDescriptors();
    const body = form([{ ...FILE, content: Buffer.alloc(100_000, 'a') }]);
    const count = effort(1_000, 1_000);
    const { rows: uploads } = await system.pool.query('select count(*) as n from upload');
    for (let done = 0; done < count; done += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, index) => abort(body, 1 + ((done + index) % 98))));
    }
    expect(await leftAfter(before)).toEqual({ files: [], descriptors: 0 });
    const { rows } = await system.pool.query('select count(*) as n from upload');
    expect(rows).toEqual(uploads);
  });

  async function abort(body: Buffer, percent: number): Promise<void> {
    const socket = connect(system.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(request([`Content-Type: ${FORM}`, `Content-Length: ${body.length}`]));
    await new Promise((resolve) => socket.write(body.subarray(0, (body.length * percent) / 100), resolve));
    await sleep(5);
    socket.resetAndDestroy();
  }

  async function leftAfter(before: number): Promise<unknown> {
    const deadline = performance.now() + 5_000;
    while (performance.now() < deadline && (system.files().quarantine.length > 0 || openDescriptors() > before)) {
      await sleep(20);
    }
    return { files: system.files().quarantine, descriptors: Math.max(0, openDescriptors() - before) };
  }
});

describe('a request that is repeated', () => {
  const headers = (key: string): Record<string, string> => ({ 'idempotency-key': key });

  it('64a: with the same key and body is answered as before, and makes nothing new', async () => {
    const first = await upload(system.origin, FILE, { headers: headers('same') });
    const again = await upload(system.origin, FILE, { headers: headers('"same"') });
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.json).toEqual(first.json);
    const other = await upload(system.origin, FILE, { headers: headers('same'), caller: STRANGER });
    expect(other.json.id).not.toBe(first.json.id);
    await system.settled();
    expect(system.files().quarantine).toEqual([]);
  });

  it('64b: with the same key and something else is refused', async () => {
    await upload(system.origin, FILE, { headers: headers('other') });
    for (const change of [{ content: 'bye' }, { filename: 'b.txt' }]) {
      const answer = await upload(system.origin, { ...FILE, ...change }, { headers: headers('other') });
      expect([answer.status, answer.json.code]).toEqual([422, 'idempotency-key-reuse']);
    }
    const elsewhere = await upload(system.origin, FILE, { headers: headers('other'), ticketId: 'ticket-2' });
    expect(elsewhere.status).toBe(422);
  });

  it('64c: at once with the same key is answered for one of them', async () => {
    const part = { ...FILE, content: randomBytes(200_000).toString('hex') };
    const answers = await Promise.all([1, 2, 3].map(() => upload(system.origin, part, { headers: headers('twice') })));
    const outcomes = answers.map(({ status, json }) => (status === 202 ? json.id : json.code));
    expect(new Set(outcomes).size).toBe(2);
    expect(outcomes.filter((outcome) => outcome === 'idempotency-in-progress')).toHaveLength(2);
    const { rows } = await system.pool.query(`select count(*) as n from upload where idempotency_key = 'twice'`);
    expect(rows[0].n).toBe(1);
  });

  it('honours the digest of the file, in a header and in a field', async () => {
    const digest = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    const header = `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`;
    expect((await upload(system.origin, FILE, { headers: { 'repr-digest': header } })).status).toBe(202);
    for (const parts of [
      [FILE, { name: 'sha256', content: digest }],
      [{ name: 'sha256', content: digest }, FILE],
    ]) {
      expect(await post({ 'content-type': FORM }, form(parts))).toEqual([202, undefined]);
    }
  });
});

describe('a disk that is full', () => {
  it('77: costs the upload, and leaves nothing of it', async () => {
    const full = await openUploadSystem({
      wrapStorage: (storage) => ({
        ...storage,
        async create() {
          const incoming = await storage.create();
          let writes = 0;
          return {
            ...incoming,
            async write(chunk) {
              writes += 1;
              if (writes > 2) throw new Failure('storage-full');
              await incoming.write(chunk);
            },
          };
        },
      }),
    });
    try {
      const answer = await upload(full.origin, { ...FILE, content: 'x'.repeat(900_000) });
      expect([answer.status, answer.json.code]).toEqual([507, 'storage-full']);
      expect(full.files().quarantine).toEqual([]);
      expect((await upload(full.origin, FILE)).status).toBe(202);
    } finally {
      await full[Symbol.asyncDispose]();
    }
  });
});

describe('the limits of one user', () => {
  it('65a: let no more than so many uploads begin in an hour', async () => {
    const small = await openUploadSystem({ limits: { perHour: 10 } });
    try {
      const answers = await Promise.all(Array.from({ length: 100 }, () => upload(small.origin, FILE)));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused).toHaveLength(90);
      expect(new Set(refused.map(({ json }) => json.code))).toEqual(new Set(['rate-limited']));
      for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect((await upload(small.origin, FILE, { caller: STRANGER })).status).toBe(202);
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });

  it('are all taken, and leave room for reading, while the database is slow to commit', async () => {
    const busy = await openUploadSystem({ isScanningByHand: true, connectMs: 1_000 });
    const blocker = await busy.pool.connect();
    try {
      // Reads pass, and every row waits.
      await blocker.query('begin');
      await blocker.query('lock table upload in share mode');
      const answers = Array.from({ length: 20 }, () => upload(busy.origin, FILE));
      await expect.poll(() => busy.files().quarantine.length, { timeout: 10_000 }).toBe(20);
      await sleep(1_200);
      expect((await send(busy.origin, '/api/uploads')).status).toBe(200);
      await blocker.query('rollback');
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array<number>(20).fill(202));
    } finally {
      blocker.release();
      await busy[Symbol.asyncDispose]();
    }
  });

  it('65b: keep no more bytes than so many, and are judged before the body', async () => {
    const small = await openUploadSystem({ limits: { quotaBytes: 1_000 } });
    try {
      const half: Part = { ...FILE, content: 'x'.repeat(600) };
      const first = await upload(small.origin, half);
      expect([first.status, (await upload(small.origin, { ...half, content: 'y'.repeat(600) })).status]).toEqual([
        202, 429,
      ]);
      const refused = await upload(small.origin, half);
      expect([refused.json.code, Number(refused.headers['retry-after'])]).toEqual(['quota-exceeded', 3_600]);
      await small.settled();
      await send(small.origin, `/api/uploads/${first.json.id}`, { method: 'DELETE' });
      expect((await upload(small.origin, half)).status).toBe(202);
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });

  it('74n: and of all together what may wait for the scanner', async () => {
    const small = await openUploadSystem({ limits: { quarantineBytes: 1_000 }, isScanningByHand: true });
    try {
      const half: Part = { ...FILE, content: 'x'.repeat(600) };
      expect((await upload(small.origin, half)).status).toBe(202);
      const refused = await upload(small.origin, half, { caller: STRANGER });
      expect([refused.status, refused.json.code]).toEqual([503, 'quarantine-full']);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(small.files().quarantine).toHaveLength(1);
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });
});

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function chunked(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
}
