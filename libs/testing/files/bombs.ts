import { createDeflateRaw, gunzipSync } from 'node:zlib';

/** 160 MiB of zeros, packed by `bzip2 -9` (144 bytes) and once more by gzip, because this is how it is short. */
const BZIP2 =
  'H4sIAAAAAAACA3OKyrA0dIxUC47k43x0nzG+z4HhAAMDhwKDQYOvm9MC1ZVcDdOpI7+j/I0Ow7PIAwwHIfJnOFdldqmK5IZ0usrpPekqWKh4QzJDBwAkGNiNkAAAAA==';

export function bzip2Bomb(): Buffer {
  return gunzipSync(Buffer.from(BZIP2, 'base64'));
}

/** What `bzip2` and `xz` make of `hello` and a line end. */
export const helloBzip2 = (): Buffer =>
  Buffer.from('QlpoOTFBWSZTWcHAgOIAAAFBAAAQAkSgADDNAMNGKZcXckU4UJDBwIDi', 'base64');
export const helloXz = (): Buffer =>
  Buffer.from('/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAFaGVsbG8KAAAApWCX8ZT2/eAAAR4GwS+kHR+2830BAAAAAARZWg==', 'base64');

/** An xz file whose LZMA2 chunks, 2 MiB each by their headers, come to `mebibytes`. */
export function xzBomb(mebibytes: number): Buffer {
  const packed = Buffer.alloc(300);
  const chunk = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0x01, 0x2b, 0x5d]), packed]);
  const stream = helloXz();
  return Buffer.concat([
    stream.subarray(0, 24),
    ...Array.from({ length: Math.ceil(mebibytes / 2) }, () => chunk),
    Buffer.from([0]),
    stream.subarray(-40),
  ]);
}

const PIECE = Buffer.alloc(1024 * 1024);

/** Raw deflate data of that many zeros, made without holding them. */
export async function deflatedZeros(mebibytes: number): Promise<Buffer> {
  const packer = createDeflateRaw({ level: 9 });
  const chunks: Buffer[] = [];
  packer.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => packer.on('end', resolve));
  for (let count = 0; count < mebibytes; count += 1) {
    if (!packer.write(PIECE)) await new Promise((resolve) => packer.once('drain', resolve));
  }
  packer.end();
  await ended;
  return Buffer.concat(chunks);
}
