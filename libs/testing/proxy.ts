import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy on loopback that can be away, slow, or keep its connections and forward nothing. */
export interface Proxy extends AsyncDisposable {
  /** `url` with the proxy's address in it. */
  through(url: string): string;
  /** Ends every connection and refuses new ones. */
  refuse(): Promise<void>;
  /** Accepts and forwards new connections. */
  accept(): Promise<void>;
  /** Keeps the connections of now open and drops what comes over them, both ways: they are half open. New ones work. */
  silence(): void;
  /** Holds back what comes over the connections of now, both ways; the function that it returns lets it through. */
  hold(): () => void;
  /** Resets every connection of now. */
  reset(): void;
  /** From now on what comes from the target arrives so much later, in ms. */
  lag(ms: number): void;
}

/** A target that is a function is asked for at every connection. */
export async function openProxy(target: string | (() => string)): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let port = 0;
  let server: Server | undefined;
  let lagMs = 0;

  function forward(client: Socket): void {
    const { port: targetPort, hostname } = new URL(typeof target === 'string' ? target : target());
    const upstream = connect(Number(targetPort), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (silent.has(from)) return;
        if (from === client || lagMs === 0) to.write(chunk);
        else setTimeout(() => to.write(chunk), lagMs);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        if (!silent.has(from)) to.destroy();
      });
    }
  }

  const proxy: Proxy = {
    through: (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    async accept() {
      if (server !== undefined) return;
      server = createServer(forward).listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
    async refuse() {
      const closed = server === undefined ? undefined : once(server, 'close');
      server?.close();
      server = undefined;
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    silence() {
      for (const socket of sockets) silent.add(socket);
    },
    hold() {
      const held = [...sockets];
      for (const socket of held) socket.pause();
      return () => {
        for (const socket of held) socket.resume();
      };
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    lag(ms) {
      lagMs = ms;
    },
    [Symbol.asyncDispose]: () => proxy.refuse(),
  };
  await proxy.accept();
  return proxy;
}
