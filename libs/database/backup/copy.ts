import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import type { Client } from 'pg';

const CHUNK_BYTES = 64 * 1024;

/** What the driver's connection can do for COPY (PostgreSQL's frontend/backend protocol, 54.2.6). */
interface CopyConnection {
  stream: Duplex;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/** What the driver calls on a query of its queue. */
interface CopyQuery {
  submit(connection: CopyConnection): void;
  handleError(error: Error): void;
  handleCommandComplete(message: { text: string }): void;
  handleReadyForQuery(): void;
}

function enqueue(client: Client, query: CopyQuery): void {
  (client.query as (query: CopyQuery) => void).call(client, query);
}

/** The rows of `copy … to stdout`, in chunks. The database waits while nobody reads. */
export function copyOut(client: Client, statement: string): Readable {
  let connection: CopyConnection | undefined;
  let parts: Buffer[] = [];
  let bytes = 0;
  const rows = new Readable({
    read: () => void connection?.stream.resume(),
    highWaterMark: 4 * CHUNK_BYTES,
  });
  const flush = (): void => {
    const isFull = !rows.push(Buffer.concat(parts));
    parts = [];
    bytes = 0;
    if (isFull) connection?.stream.pause();
  };
  const query: CopyQuery & { handleCopyData(message: { chunk: Buffer }): void } = {
    submit(opened) {
      connection = opened;
      opened.query(statement);
    },
    handleCopyData({ chunk }) {
      // The driver reads into the same memory again.
      parts.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes >= CHUNK_BYTES) flush();
    },
    handleCommandComplete() {
      if (bytes > 0) flush();
    },
    handleReadyForQuery: () => void rows.push(null),
    handleError: (error) => void rows.destroy(error),
  };
  enqueue(client, query);
  return rows;
}

/** Feeds `copy … from stdin`. @returns how many rows there were. */
export async function copyIn(client: Client, statement: string, rows: AsyncIterable<Buffer>): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let isOver = false;

    async function feed(connection: CopyConnection): Promise<void> {
      try {
        for await (const chunk of rows) {
          if (isOver) return;
          connection.sendCopyFromChunk(chunk);
          if (connection.stream.writableNeedDrain) await once(connection.stream, 'drain');
        }
        connection.endCopyFrom();
      } catch (error) {
        // The database answers with an error, which ends the query.
        connection.sendCopyFail(error instanceof Error ? error.message : String(error));
      }
    }

    const query: CopyQuery & { handleCopyInResponse(connection: CopyConnection): void } = {
      submit: (connection) => connection.query(statement),
      handleCopyInResponse: (connection) => void feed(connection),
      handleCommandComplete({ text }) {
        count = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? 0);
      },
      handleReadyForQuery: () => resolve(count),
      handleError(error) {
        isOver = true;
        reject(error);
      },
    };
    enqueue(client, query);
  });
}
