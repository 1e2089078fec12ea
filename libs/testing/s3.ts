import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFauxqs } from 'fauxqs';
import { describeS3Request, type S3Request } from '#testing/s3-request.ts';
import type { S3Place } from '#uploads/storage-settings.ts';
import type { Zone } from '#uploads/storage.ts';

/** What is to become of a request instead of being answered: a refusal, silence, or an answer that breaks off. */
export type S3Fault =
  | { status: number; code: string }
  /** Answered with this document, which fauxqs would not have. */
  | { xml: string }
  | 'silence'
  /** Done, but the answer is lost. */
  | 'lost'
  /** Half of the answer's body, then the connection is cut. */
  | 'half'
  /** Answers as a store does that knows no checksums. */
  | 'no-checksum';

/** An S3 on loopback: fauxqs, behind a door that counts requests, checks digests as S3 does, and fails when it is told to. */
export interface TestS3 extends AsyncDisposable {
  place: S3Place;
  /** The same as environment of a process. */
  settings: Record<string, string>;
  /** Every request since the start, in order. */
  readonly requests: readonly S3Request[];
  /** Called with each request before it is let through. */
  fault: (request: S3Request) => S3Fault | undefined;
  /** Puts an object there without any of our code. */
  plant(zone: Zone, key: string, content: Buffer): Promise<void>;
  keys(zone: Zone): Promise<string[]>;
  /** Closes the door; what is behind it stays. */
  away(): Promise<void>;
  back(): Promise<void>;
}

export const s3Credentials = { accessKeyId: 'AKIATESTONLY0000', secretAccessKey: 'a-secret-that-no-log-may-show' };
const BUCKETS = { quarantine: 'test-quarantine', clean: 'test-clean' };

export async function startTestS3(): Promise<TestS3> {
  const behind = await startFauxqs({ port: 0, logger: false });
  for (const bucket of Object.values(BUCKETS)) behind.createBucket(bucket);
  const requests: S3Request[] = [];
  let port = 0;

  async function take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const seen = describeS3Request(incoming, BUCKETS);
    requests.push(seen);
    const fault = s3.fault(seen) ?? requireSignature(incoming) ?? checkDigest(incoming, body);
    if (fault === 'silence') return;
    if (typeof fault === 'object' && 'xml' in fault) {
      response.writeHead(200, { 'content-type': 'application/xml' }).end(fault.xml);
      return;
    }
    if (typeof fault === 'object') {
      refuse(response, fault, incoming.method === 'HEAD');
      return;
    }
    const answer = await forward(behind.port, incoming, body);
    if (fault === 'lost') incoming.socket.destroy();
    else if (fault === 'half') {
      response.writeHead(answer.status, answer.headers);
      response.write(answer.body.subarray(0, Math.ceil(answer.body.length / 2)), () => incoming.socket.destroy());
    } else {
      if (fault === 'no-checksum') delete answer.headers['x-amz-checksum-sha256'];
      response.writeHead(answer.status, answer.headers).end(answer.body);
    }
  }

  const open = () =>
    createServer((incoming, response) => {
      take(incoming, response).catch(() => incoming.socket.destroy());
    });
  let door = open();
  const listen = async (): Promise<void> => {
    await once(door.listen(port, '127.0.0.1'), 'listening');
    port = (door.address() as AddressInfo).port;
  };
  const away = async (): Promise<void> => {
    if (!door.listening) return;
    const closed = once(door, 'close');
    door.close();
    door.closeAllConnections();
    await closed;
  };
  await listen();

  const s3: TestS3 = {
    place: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      buckets: BUCKETS,
      credentials: s3Credentials,
      forcePathStyle: true,
    },
    requests,
    fault: () => undefined,
    async plant(zone, key, content) {
      const url = `${behind.address}/${BUCKETS[zone]}/${key}`;
      const { ok } = await fetch(url, { method: 'PUT', body: new Uint8Array(content) });
      if (!ok) throw new Error('fauxqs did not take it');
    },
    async keys(zone) {
      const text = await (await fetch(`${behind.address}/${BUCKETS[zone]}?list-type=2`)).text();
      return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? '');
    },
    away,
    async back() {
      door = open();
      await listen();
    },
    get settings() {
      return {
        UPLOAD_STORAGE: 's3',
        S3_ENDPOINT: s3.place.endpoint ?? '',
        S3_QUARANTINE_BUCKET: BUCKETS.quarantine,
        S3_CLEAN_BUCKET: BUCKETS.clean,
        S3_ACCESS_KEY_ID: s3Credentials.accessKeyId,
        S3_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
        S3_FORCE_PATH_STYLE: 'yes',
      };
    },
    async [Symbol.asyncDispose]() {
      await away();
      await behind.stop();
    },
  };
  return s3;
}

/** fauxqs lets everyone in. */
function requireSignature({ headers }: IncomingMessage): S3Fault | undefined {
  return headers.authorization === undefined ? { status: 403, code: 'AccessDenied' } : undefined;
}

/** fauxqs stores checksums without computing them; S3 refuses what does not have the one that was sent. */
function checkDigest({ headers }: IncomingMessage, body: Buffer): S3Fault | undefined {
  const sent = headers['x-amz-checksum-sha256'];
  if (sent === undefined || sent === createHash('sha256').update(body).digest('base64')) return undefined;
  return { status: 400, code: 'BadDigest' };
}

function refuse(response: ServerResponse, { status, code }: { status: number; code: string }, isHead: boolean): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': body.length });
  response.end(isHead ? undefined : body);
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

function forward(port: number, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path: url, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
