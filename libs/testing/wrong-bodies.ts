import { hash } from 'node:crypto';
import { connect } from 'node:net';

export const WRONG_BODY_BYTES = 3 * 1024 * 1024;

/** Sends a large body with a wrong signature at once, however slowly it is taken; resolves with the answer's status. */
export function sendWrongBody(port: number, path: string): Promise<number | undefined> {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: x',
    `x-hub-signature-256: sha256=${hash('sha256', 'anything')}`,
    `content-length: ${WRONG_BODY_BYTES}`,
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
    socket.write(body);
  });
}

const body = Buffer.alloc(WRONG_BODY_BYTES, 'x');
