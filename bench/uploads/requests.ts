import type { BenchFile } from './files.ts';

const BOUNDARY = 'portcullis-bench-boundary';

/** As a browser sends a form with one file. */
export function formRequest(path: string, { name, type, bytes }: BenchFile, token = ''): Buffer {
  const before = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: ${type}\r\n\r\n`;
  const after = `\r\n--${BOUNDARY}--\r\n`;
  const body = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
  return withHead(path, body, {
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
  });
}

export const rawRequest = (path: string, { bytes, type }: BenchFile): Buffer =>
  withHead(path, bytes, { 'content-type': type });

/** Creation with upload (tus 1.0.0): one request a file. */
export const tusRequest = (path: string, { bytes }: BenchFile): Buffer =>
  withHead(path, bytes, {
    'tus-resumable': '1.0.0',
    'upload-length': String(bytes.length),
    'content-type': 'application/offset+octet-stream',
  });

function withHead(path: string, body: Buffer, headers: Record<string, string>): Buffer {
  const all = { host: '127.0.0.1', 'content-length': String(body.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
}
