import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

export interface ListeningPlace {
  host: string;
  port: number;
  /** Where this machine reaches it, as `http://host:port`. */
  address: string;
}

/**
 * Settles where the processes will listen: a port of 0 becomes any free one.
 * @throws Error with a line for each setting that names a port that can't be had
 */
export async function listeningPlaces<Setting extends string>(
  wanted: Record<Setting, { host: string; port: number }>,
): Promise<Record<Setting, ListeningPlace>> {
  const faults: string[] = [];
  const places: Partial<Record<Setting, ListeningPlace>> = {};
  const probes: Server[] = [];
  for (const [setting, { host, port }] of Object.entries(wanted) as [Setting, { host: string; port: number }][]) {
    const probe = createServer();
    try {
      const free = await listenOn(probe, host, port);
      probes.push(probe);
      places[setting] = { host, port: free, address: addressOf(host, free) };
    } catch (error) {
      faults.push(`${setting}: ${reasonOf(error, host, port)}`);
    }
  }
  await Promise.all(probes.map(close));
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return places as Record<Setting, ListeningPlace>;
}

async function listenOn(probe: Server, host: string, port: number): Promise<number> {
  probe.listen(port, host);
  await once(probe, 'listening');
  return (probe.address() as AddressInfo).port;
}

async function close(probe: Server): Promise<void> {
  probe.close();
  await once(probe, 'close');
}

function reasonOf(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is in use; set it to a free one, or to 0 for any`;
  if (code === 'EACCES') return `port ${port} on ${host} may not be opened by this user; set it to one above 1023`;
  return `port ${port} on ${host} can't be opened (${code})`;
}

function addressOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}
