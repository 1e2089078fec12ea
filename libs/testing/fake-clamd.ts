import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Conversation {
  socket: Socket;
  /** What came in so far: the stream's bytes and their digest, and whether its terminator came. */
  state: { bytes: number; sha256: Hash; isComplete: boolean };
  /** Resolves when the terminator has come. */
  complete: Promise<void>;
  /** Resolves when the other side has closed. */
  closed: Promise<void>;
}

/** How one connection is answered. */
export type Behaviour = (conversation: Conversation) => Promise<void> | void;

export interface FakeClamd extends AsyncDisposable {
  address: { host: string; port: number };
  /** Connections that are open now. */
  connections(): number;
  behave(behaviour: Behaviour): void;
}

const COMMAND = 'zINSTREAM\0';

/** A server that speaks as much of clamd as tests need, in whatever way they want it to. */
export async function openFakeClamd(behaviour: Behaviour = answering('stream: OK\0')): Promise<FakeClamd> {
  let current = behaviour;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => sockets.delete(socket));
    const conversation = converse(socket);
    void Promise.resolve(current(conversation)).catch(() => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: '127.0.0.1', port },
    connections: () => sockets.size,
    behave(next) {
      current = next;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function converse(socket: Socket): Conversation {
  const complete = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const state = { bytes: 0, sha256: createHash('sha256'), isComplete: false };
  let held = Buffer.alloc(0);
  let hasCommand = false;
  let left = 0;
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    if (!hasCommand && held.length >= COMMAND.length) {
      hasCommand = true;
      held = held.subarray(COMMAND.length);
    }
    if (!hasCommand) return;
    while (held.length > 0) {
      if (left === 0) {
        if (held.length < 4) return;
        left = held.readUInt32BE(0);
        held = held.subarray(4);
        if (left === 0) {
          state.isComplete = true;
          complete.resolve();
          return;
        }
      }
      const taken = Math.min(left, held.length);
      state.sha256.update(held.subarray(0, taken));
      state.bytes += taken;
      left -= taken;
      held = held.subarray(taken);
    }
  });
  socket.on('close', () => closed.resolve());
  return { socket, state, complete: complete.promise, closed: closed.promise };
}

/** Answers as clamd does, with these bytes, once everything has come. */
export function answering(reply: string): Behaviour {
  return async ({ socket, complete }) => {
    await complete;
    socket.end(Buffer.from(reply, 'latin1'));
  };
}

/** Passes everything on to a clamd on this unix socket. */
export function forwardingTo(path: string): Behaviour {
  return ({ socket }) => {
    const upstream = connect(path);
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    socket.pipe(upstream);
    upstream.pipe(socket);
  };
}
