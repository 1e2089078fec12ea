import { hash } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { startProcess } from '#testing/process.ts';
import { residentBytes } from '#testing/resident-memory.ts';
import { testSecrets } from '#testing/secrets.ts';
import { openSender, WHATSAPP_PATH } from './testing/sending.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const CONNECTIONS = 200;
const BODY = Buffer.alloc(3 * 1024 * 1024, 'x');
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;

/** Sends the whole body at once, however slowly it is taken; resolves with the answer's status. */
function sendWrong(port: number): Promise<number | undefined> {
  const head = [
    `POST ${WHATSAPP_PATH} HTTP/1.1`,
    'host: x',
    `x-hub-signature-256: sha256=${hash('sha256', 'anything')}`,
    `content-length: ${BODY.length}`,
    'connection: close',
  ];
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer === '' ? undefined : Number(answer.split(' ')[1])));
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(BODY);
  });
}

it(
  `takes at most 64 MB for ${CONNECTIONS} connections with wrong bodies of 3 MB, and refuses each`,
  { timeout: 60_000, retry: 1 },
  async () => {
    const database = await openTestDatabase();
    onTestFinished(() => database[Symbol.asyncDispose]());
    const ingress = await startProcess('apps/ingress/main.ts', {
      env: { ...testSecrets, DATABASE_URL: database.url, WHATSAPP_APP_SECRET: SECRET, PORT: '0' },
    });
    onTestFinished(() => ingress[Symbol.asyncDispose]());
    const { post, close } = openSender(16);
    onTestFinished(() => close());
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => post(ingress.origin, `{"n":${n}}`, SECRET)));

    const before = residentBytes(ingress.pid);
    let peak = before;
    const over = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted) {
        peak = Math.max(peak, residentBytes(ingress.pid));
        await sleep(30);
      }
    })();
    const statuses = await Promise.all(Array.from({ length: CONNECTIONS }, () => sendWrong(ingress.port)));
    over.abort();
    await watching;
    expect(new Set(statuses)).toEqual(new Set([403]));
    expect(peak - before).toBeLessThan(MAX_GROWTH_BYTES);
  },
);
