import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openLog } from '#runtime/log.ts';
import { createBoard } from './board.ts';

it('notes an act also where whoever did it has hung up before the answer', async () => {
  const acts: [path: string, status: number][] = [];
  const arrived = Promise.withResolvers<void>();
  const board = createBoard({
    answerHealth: () => false,
    authenticate: (_request, _response, next) => next(),
    queues() {
      arrived.resolve();
      return new Promise(() => undefined);
    },
    ping: async () => undefined,
    isReadOnly: false,
    isSecure: () => false,
    observe: { acted: ({ originalUrl }, status) => acts.push([originalUrl, status]), refused: () => undefined },
    log: openLog({ name: 'test', level: 'silent' }),
  });
  const server = createServer(board).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const hangUp = new AbortController();
  const { port } = server.address() as AddressInfo;
  const asked = fetch(`http://127.0.0.1:${port}/api/queues/webhooks/pause`, { method: 'PUT', signal: hangUp.signal });
  await Promise.race([arrived.promise, asked]);
  hangUp.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  await expect.poll(() => acts).toEqual([['/api/queues/webhooks/pause', 499]]);
});
