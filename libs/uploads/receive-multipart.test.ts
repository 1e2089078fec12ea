import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { defaultPace } from '#uploads/read-body.ts';
import { receiveMultipart } from '#uploads/receive-multipart.ts';
import type { Reception } from '#uploads/receive.ts';

vi.setConfig({ testTimeout: 30_000 });

const SHA256 = 'a'.repeat(64);

/** The same choices in every run. */
function openDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** Content made of beginnings of the delimiter, and of delimiters with a wrong byte, but without a delimiter. */
function contentFor(delimiter: string, dice: (sides: number) => number): Buffer {
  let content = '';
  for (let parts = dice(60); parts > 0; parts -= 1) {
    const beginning = delimiter.slice(0, dice(delimiter.length));
    content += [beginning, `${beginning}x`, '\r', '\r\n', '\r\n--', 'plain '.repeat(dice(20))][dice(6)];
    content = content.replaceAll(delimiter, 'gone');
  }
  return Buffer.from(content);
}

function requestOf(body: Buffer, boundary: string, sizeOf: () => number): IncomingMessage {
  const chunks: Buffer[] = [];
  for (let at = 0, size = sizeOf(); at < body.length; at += size, size = sizeOf()) {
    chunks.push(Buffer.from(body.subarray(at, at + size)));
  }
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  return Object.assign(Readable.from(chunks, { objectMode: false }), { headers }) as unknown as IncomingMessage;
}

function openSink(): Reception<Buffer> {
  const taken: Buffer[] = [];
  return {
    take: (chunk) => void taken.push(Buffer.from(chunk)),
    ready: async () => undefined,
    end: async () => Buffer.concat(taken),
    abort: async () => undefined,
  };
}

const receive = (request: IncomingMessage) =>
  receiveMultipart(request, { maxBytes: 100_000, pace: defaultPace }, openSink);

it.each(['b', 'a-boundary-of-a-browser-7MA4YWxkTrZu0gW', `"with a space"`])(
  'keeps every byte of a file however the body is cut, with the boundary %s',
  async (boundary) => {
    const dice = openDice(boundary.length);
    const delimiter = `\r\n--${boundary.replaceAll('"', '')}`;
    const field = `${delimiter.slice(2)}\r\ncontent-disposition: form-data; name="sha256"\r\n\r\n${SHA256}\r\n`;
    const fileHead = `${delimiter.slice(2)}\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n`;
    const runs = Array.from({ length: 300 }, async () => {
      const content = contentFor(delimiter, dice);
      const isFirst = dice(2) === 0;
      const body = Buffer.concat([
        Buffer.from(`${isFirst ? field : ''}${fileHead}`),
        content,
        Buffer.from(`\r\n${isFirst ? '' : field}${delimiter.slice(2)}--\r\n`),
      ]);
      const largest = [3, 20, 80, 400][dice(4)] ?? 1;
      const { file, sha256 } = await receive(requestOf(body, boundary, () => 1 + dice(largest)));
      return file.equals(content) && sha256 === SHA256;
    });
    expect(new Set(await Promise.all(runs))).toEqual(new Set([true]));
  },
);

it.each([1, 7, 90, 10_000])('refuses a second file, %d bytes at a time', async (size) => {
  const part = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello, this is a file\r\n';
  const request = requestOf(Buffer.from(`${part}${part}--b--\r\n`), 'b', () => size);
  await expect(receive(request)).rejects.toMatchObject({ code: 'too-many-files' });
});
