import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { OWNER } from '#testing/upload-core.ts';

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into it as they please
  json: any;
}

export interface SendOptions {
  method?: string;
  headers?: Record<string, string | string[] | number>;
  body?: Buffer | undefined;
  caller?: string | undefined;
  agent?: boolean;
}

const BOUNDARY = 'portcullis-test-boundary';

/** One request over plain node:http, which sends exactly the headers it is given. */
export function send(origin: string, path: string, options: SendOptions = {}): Promise<HttpAnswer> {
  const { method = options.body === undefined ? 'GET' : 'POST', headers = {}, body, caller = OWNER } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(origin + path, {
      method,
      agent: false,
      headers: {
        ...(caller === '' ? {} : { 'x-caller': caller }),
        ...(body === undefined ? {} : { 'content-length': body.length }),
        ...headers,
      },
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        const isJson = /json/.test(response.headers['content-type'] ?? '');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          json: isJson && whole.length > 0 ? JSON.parse(whole.toString()) : undefined,
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export interface Part {
  name?: string;
  /** The whole header line instead of one that is made from the names. */
  disposition?: Buffer | string;
  filename?: string | Buffer;
  type?: string | undefined;
  content: Buffer | string;
}

/** A multipart body of these parts, byte by byte as they say. */
export function multipart(parts: readonly Part[], boundary = BOUNDARY): { body: Buffer; contentType: string } {
  const pieces: Buffer[] = [];
  for (const { name = 'file', disposition, filename, type, content } of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\n`));
    const named = Buffer.from(`Content-Disposition: form-data; name="${name}"`);
    pieces.push(disposition === undefined ? named : Buffer.from(disposition as string));
    if (filename !== undefined) {
      pieces.push(Buffer.from('; filename="'), Buffer.from(filename as string), Buffer.from('"'));
    }
    if (type !== undefined) pieces.push(Buffer.from(`\r\nContent-Type: ${type}`));
    pieces.push(Buffer.from('\r\n\r\n'), Buffer.from(content as string), Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return { body: Buffer.concat(pieces), contentType: `multipart/form-data; boundary=${boundary}` };
}

/** Uploads one file as a browser does. */
export function upload(
  origin: string,
  part: Part,
  options: SendOptions & { ticketId?: string } = {},
): Promise<HttpAnswer> {
  const { ticketId = 'ticket-1', headers = {}, ...rest } = options;
  const { body, contentType } = multipart([part]);
  return send(origin, `/api/attachments/${ticketId}`, {
    ...rest,
    method: 'POST',
    body,
    headers: { 'content-type': contentType, ...headers },
  });
}

/** Follows an upload to its end by long polling. */
export async function verdictOf(origin: string, id: string, limitMs = 20_000): Promise<HttpAnswer> {
  const deadline = performance.now() + limitMs;
  while (true) {
    const answer = await send(origin, `/api/uploads/${id}`, { headers: { prefer: 'wait=5' } });
    if (!['quarantined', 'scanning'].includes(answer.json?.status) || performance.now() > deadline) return answer;
  }
}
