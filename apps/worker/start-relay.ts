import { catalogue, type QueueName } from '#catalogue.ts';
import type { QueueConnection } from '#queue/connection.ts';
import type { QueueReader } from '#queue/reader.ts';
import { declareSchedules } from '#queue/schedules.ts';
import { startTicker } from '#runtime/ticker.ts';
import { makeUploadsDue } from '#uploads/waiting-uploads.ts';
import { makeAllDue } from '#webhooks/relay.ts';
import { openRelay } from './relay.ts';
import { relayedTables, relayedUploads } from './relayed-tables.ts';
import type { WorkerParts } from './worker.ts';

export interface StartRelayParts {
  parts: WorkerParts;
  queues: readonly QueueName[];
  ringing: QueueConnection;
  reader: QueueReader;
  /** Told how many rows each look rang for or worked on. */
  relayed: (rows: number) => void;
  stack: AsyncDisposableStack;
}

/** The timer that rings again for what is open in the tables of this worker's queues. */
export function startRelay({ parts, queues, ringing, reader, relayed, stack }: StartRelayParts): void {
  const { pool, log } = parts;
  const tables = [
    ...(queues.includes('webhooks') ? relayedTables(parts) : []),
    ...(queues.includes('uploads') ? [relayedUploads(parts)] : []),
  ];
  if (tables.length === 0) return;
  const makeDue = async (): Promise<void> => {
    await Promise.all([makeAllDue(pool), makeUploadsDue(pool)]);
    await declareSchedules(ringing, Object.values(catalogue));
  };
  const relay = openRelay({ tables, reader, makeAllDue: makeDue, log });
  const ticker = startTicker(
    relay.tickMs,
    async () => {
      relayed(await relay.tick());
    },
    (error) => log.warn({ err: error }, 'the relay could not look for what is open'),
  );
  stack.defer(() => ticker.close());
}
