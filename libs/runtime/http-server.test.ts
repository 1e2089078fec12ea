import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from '#runtime/http-server.ts';

it.each([
  ['59a: a request whose header never ends', 'GET / HTTP/1.1\r\nhost: a\r\n'],
  ['59a: a connection on which nothing is asked', ''],
])('answers %s within seconds, and closes', { timeout: 60_000 }, async (_, begun) => {
  const server = await listen((_request, response) => response.end(), { host: '127.0.0.1', port: 0, setting: 'PORT' });
  try {
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
      socket.end();
    });
    const beganMs = performance.now();
    socket.write(begun);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - beganMs).toBeLessThan(15_000);
  } finally {
    await server.close();
  }
});
