import { createHash } from 'node:crypto';
import { appendFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sample, samples } from '#testing/files/samples.ts';
import { send, upload, type HttpAnswer, type SendOptions } from '#testing/upload-client.ts';
import { AGENT, STRANGER, type UploadSystem } from '#testing/upload-core.ts';
import { openUploadSystem } from '#testing/upload-system.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';

const CONTENT = Buffer.from('<html><script>alert(1)</script></html>\n');
const REPR_DIGEST = `sha-256=:${createHash('sha256').update(CONTENT).digest('base64')}:`;
const SAFE_HEADERS = {
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'private, no-store',
  'accept-ranges': 'bytes',
};

describe('the content of a clean upload', () => {
  let system: UploadSystem;
  let path: string;
  let isAllowed = true;
  beforeAll(async () => {
    system = await openUploadSystem({ authorise: async () => isAllowed });
    const { json } = await upload(system.origin, { filename: 'page.txt', type: 'text/plain', content: CONTENT });
    await system.settled();
    path = `/api/uploads/${json.id}/content`;
  });
  afterAll(() => system?.[Symbol.asyncDispose]());

  const get = (options: SendOptions = {}): Promise<HttpAnswer> => send(system.origin, path, options);

  it('69: is a text to save, even if it looks like a page', async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(body).toEqual(CONTENT);
    expect(headers).toMatchObject({
      ...SAFE_HEADERS,
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="page.txt"',
      'content-length': String(CONTENT.length),
      'repr-digest': REPR_DIGEST,
      etag: `"${createHash('sha256').update(CONTENT).digest('hex')}"`,
    });
  });

  it.each([
    ['70a: an Accept header', { headers: { accept: 'text/html' } }],
    ['70b: a query', {}],
  ] as const)('is not changed by %s', async (_, options) => {
    const { headers } = await send(system.origin, `${path}?disposition=inline&type=text/html`, options);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(headers['content-disposition']).toMatch(/^attachment;/);
  });

  it.each([
    ['bytes=0-4', 206, 'bytes 0-4/39', CONTENT.subarray(0, 5)],
    ['bytes=10-', 206, 'bytes 10-38/39', CONTENT.subarray(10)],
    ['bytes=0-999', 206, 'bytes 0-38/39', CONTENT],
    ['bytes=-5', 206, 'bytes 34-38/39', CONTENT.subarray(-5)],
    ['bytes=-999', 206, 'bytes 0-38/39', CONTENT],
    ['bytes=0-1,3-4', 200, undefined, CONTENT],
    ['bytes=0-1,0-1,0-1', 200, undefined, CONTENT],
    ['bytes=5-2', 200, undefined, CONTENT],
    ['bytes=x', 200, undefined, CONTENT],
    ['lines=1-2', 200, undefined, CONTENT],
  ] as const)('71: answers the range %s with %i', async (range, status, contentRange, body) => {
    const answer = await get({ headers: { range } });
    expect([answer.status, answer.headers['content-range'], answer.body]).toEqual([status, contentRange, body]);
    expect(answer.headers['repr-digest']).toBe(REPR_DIGEST);
    expect(answer.headers).toMatchObject(SAFE_HEADERS);
  });

  it.each(['bytes=39-', 'bytes=1000-2000', 'bytes=-0'])('71c: refuses the range %s', async (range) => {
    const { status, headers, json } = await get({ headers: { range } });
    expect([status, json.code, headers['content-range']]).toEqual([416, 'range-unsatisfiable', 'bytes */39']);
  });

  it('gives a range only of the version that was asked for', async () => {
    const { headers } = await get();
    const same = await get({ headers: { range: 'bytes=0-1', 'if-range': String(headers.etag) } });
    const other = await get({ headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
    expect([same.status, other.status]).toEqual([206, 200]);
  });

  it('has headers that can be asked for alone', async () => {
    const whole = await get();
    const { status, headers, body } = await get({ method: 'HEAD' });
    expect([status, body.length]).toEqual([200, 0]);
    expect({ ...headers, date: '' }).toMatchObject({ ...whole.headers, 'x-request-id': expect.anything(), date: '' });
  });

  it.each(Object.keys(samples))('73: of type %s can not be shown, framed or run', async (extension) => {
    const { type, content } = sample(extension);
    const { json } = await upload(system.origin, { filename: `a.${extension}`, type, content });
    await system.settled();
    const served = await send(system.origin, `/api/uploads/${json.id}/content`);
    expect(served.headers).toMatchObject({
      ...SAFE_HEADERS,
      'content-type': defaultPolicy.get(extension)?.served,
      'content-disposition': `attachment; filename="a.${extension}"`,
    });
    expect(served.body).toEqual(content);
  });

  it('67: is there for its owner and for agents, and for nobody else', async () => {
    const statuses = [];
    for (const caller of [undefined, AGENT, STRANGER, '']) statuses.push((await get({ caller })).status);
    expect(statuses).toEqual([200, 200, 404, 401]);
  });

  it.each(['x', '00000000-0000-7000-8000-00000000ffff', '..%2f..%2fetc%2fpasswd', "1' or '1'='1"])(
    '67b: is not found by the id %s',
    async (id) => {
      expect((await send(system.origin, `/api/uploads/${encodeURI(id)}/content`)).status).toBe(404);
    },
  );

  it('66c: is kept from whom the ticket is closed to meanwhile', async () => {
    isAllowed = false;
    const { status } = await get();
    isAllowed = true;
    expect(status).toBe(404);
  });

  it.each(['cut off', 'longer than it was'])('is not served from a file that is %s', async (how) => {
    const before = new Set(system.files().clean);
    const { json } = await upload(system.origin, { filename: 'c.txt', type: 'text/plain', content: `to be ${how}` });
    await system.settled();
    const name = system.files().clean.find((each) => !before.has(each));
    const file = join(system.dataDir, 'clean', name!);
    if (how === 'cut off') truncateSync(file, 3);
    else appendFileSync(file, 'more');
    const { status, body } = await send(system.origin, `/api/uploads/${json.id}/content`);
    expect([status, body.toString().includes('to be')]).toEqual([500, false]);
  });

  it('is gone with its upload', async () => {
    const { json } = await upload(system.origin, { filename: 'b.txt', type: 'text/plain', content: 'to be deleted' });
    await system.settled();
    const before = system.files().clean.length;
    const removal = await send(system.origin, `/api/uploads/${json.id}`, { method: 'DELETE' });
    expect([removal.status, removal.body.length]).toEqual([204, 0]);
    expect(system.files().clean).toHaveLength(before - 1);
    for (const rest of ['', '/content']) {
      expect((await send(system.origin, `/api/uploads/${json.id}${rest}`)).status).toBe(404);
    }
    expect((await send(system.origin, `/api/uploads/${json.id}`, { method: 'DELETE' })).status).toBe(404);
  });
});

describe('the content of an upload without a verdict', () => {
  it('67a: is not there yet', async () => {
    const system = await openUploadSystem({ isScanningByHand: true });
    try {
      const { json } = await upload(system.origin, { filename: 'a.txt', type: 'text/plain', content: 'hello' });
      const { status, json: problem, headers } = await send(system.origin, `/api/uploads/${json.id}/content`);
      expect([status, problem.code, headers['retry-after']]).toEqual([409, 'not-ready', '1']);
    } finally {
      await system[Symbol.asyncDispose]();
    }
  });
});
