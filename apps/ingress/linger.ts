import type { IncomingMessage, ServerResponse } from 'node:http';

const LINGER_BYTES = 64 * 1024;
const LINGER_MS = 1_000;
const LOOK_MS = 20;

/**
 * Answers a request whose body was not read to its end: the connection is closed after the answer, but a little of what
 * still comes in is taken first, because a reset would cost the sender the answer (RFC 9112 §9.6).
 */
export function closeAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || response.headersSent) return;
  response.setHeader('connection', 'close');
  const { socket } = request;
  // node:http calls this after the last byte of an answer that says `close`, and by default destroys at once.
  socket.destroySoon = () => {
    socket.end();
    request.resume();
    const readBefore = socket.bytesRead;
    const startedMs = performance.now();
    const timer = setInterval(() => {
      const isOver = socket.bytesRead - readBefore > LINGER_BYTES || performance.now() - startedMs > LINGER_MS;
      if (!isOver && !socket.destroyed && !socket.readableEnded) return;
      clearInterval(timer);
      socket.destroy();
    }, LOOK_MS);
  };
}
