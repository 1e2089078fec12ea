import { connect } from 'node:net';
import type { Express } from 'express';
import { inject } from 'vitest';
import { openLog } from '#runtime/log.ts';
import { readConfig } from '#runtime/config.ts';
import { testSecrets } from '#testing/secrets.ts';
import { readSources } from '#webhooks/sources.ts';
import { openIngress } from '../open-ingress.ts';
import { ingressSettings } from '../settings.ts';

export interface StartedIngress extends AsyncDisposable {
  origin: string;
  port: number;
  app: Express;
  /** All that was logged so far. */
  logged(): string;
  /** Sends bytes as they are and reads until the server closes or is silent. */
  raw(bytes: string | Buffer, silenceMs?: number): Promise<string>;
}

/** The ingress as main.ts opens it, in this process, on a free port. */
export async function startIngress(env: Record<string, string>): Promise<StartedIngress> {
  const stack = new AsyncDisposableStack();
  let text = '';
  const destination = {
    write: (line: string) => {
      text += line;
    },
  };
  const log = openLog({ name: 'ingress', level: 'debug', destination });
  const full = { PORT: '0', DATA_DIR: inject('services').scratch, ...testSecrets, ...env };
  const config = readConfig(ingressSettings, full);
  const { port, app } = await openIngress({ stack, log, config, sources: readSources(full) });
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    app,
    logged: () => text,
    raw: (bytes, silenceMs = 1_000) => exchange(port, bytes, silenceMs),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function exchange(port: number, bytes: string | Buffer, silenceMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
  });
}
