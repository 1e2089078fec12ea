import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { listeningPlaces } from './listening-places.ts';

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

it('turns 0 into free ports, no two the same', async () => {
  const any = { host: '127.0.0.1', port: 0 };
  const places = await listeningPlaces({ PORT: any, BOARD_PORT: any, WORKER_PORT: any });
  const ports = Object.values(places).map(({ port }) => port);
  expect(new Set(ports).size).toBe(3);
  expect(places.PORT.address).toBe(`http://127.0.0.1:${places.PORT.port}`);
});

it('names each setting whose port is taken, by another program or by one of ours', async () => {
  const port = await takenPort();
  const { PORT: free } = await listeningPlaces({ PORT: { host: '127.0.0.1', port: 0 } });
  const places = listeningPlaces({
    PORT: { host: '127.0.0.1', port },
    BOARD_PORT: { host: '127.0.0.1', port: free.port },
    WORKER_PORT: { host: '127.0.0.1', port: free.port },
  });
  await expect(places).rejects.toThrow(
    `PORT: port ${port} on 127.0.0.1 is in use; set it to a free one, or to 0 for any\nWORKER_PORT: port ${free.port} on 127.0.0.1 is in use; set it to a free one, or to 0 for any`,
  );
});

it('shows where this machine reaches a process that listens everywhere', async () => {
  const places = await listeningPlaces({ PORT: { host: '0.0.0.0', port: 0 } });
  expect(places.PORT).toMatchObject({ host: '0.0.0.0', address: `http://127.0.0.1:${places.PORT.port}` });
});
