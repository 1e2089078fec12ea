import { connect } from 'node:net';

export interface RawOptions {
  /** How long to wait after the last byte that came. */
  silenceMs?: number;
  /** Sent piece by piece, with a pause after each. */
  pieces?: readonly (Buffer | string)[];
  pauseMs?: number;
  /** Whether our side is closed after the last piece. */
  ends?: boolean;
}

/** Sends bytes as they are; @returns all that came back until the server closed or fell silent. */
export function rawRequest(port: number, bytes: Buffer | string, options: RawOptions = {}): Promise<string> {
  const { silenceMs = 1_000, pieces = [], pauseMs = 20, ends = false } = options;
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
    const rest = [...pieces];
    const next = (): void => {
      const piece = rest.shift();
      if (piece === undefined) {
        if (ends) socket.end();
        return;
      }
      if (socket.writable) socket.write(piece);
      setTimeout(next, pauseMs);
    };
    setTimeout(next, pauseMs);
  });
}

/** The status of the first answer, and the code of its problem. */
export function answerIn(raw: string): { status: number; code: string | undefined } {
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(raw.replace(/^HTTP\/1\.1 100[^]*?\r\n\r\n/, ''))?.[1] ?? 0),
    code: /"code":"([^"]+)"/.exec(raw)?.[1],
  };
}
