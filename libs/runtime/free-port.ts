import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A loopback port that nothing listens on now. Another process may take it before you do: be ready to ask again. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
