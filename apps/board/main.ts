import type { IncomingMessage } from 'node:http';
import { catalogue } from '#catalogue.ts';
import { openCoalescer } from '#audit/coalesce.ts';
import { openRecord } from '#audit/record-addresses.ts';
import { openHeartbeat } from '#database/heartbeat.ts';
import { openPool } from '#database/pool.ts';
import { openLocalLimiter } from '#limits/local-limiter.ts';
import { openQueueConnection } from '#queue/connection.ts';
import { openReadyQueue } from '#queue/queue-handle.ts';
import { openQueueReader } from '#queue/reader.ts';
import { queueUrlOf } from '#queue/settings.ts';
import { openClientAddress, openIsSecure } from '#runtime/address.ts';
import { readConfig } from '#runtime/config.ts';
import { openHealth } from '#runtime/health.ts';
import { listen } from '#runtime/http-server.ts';
import { runProcess } from '#runtime/process.ts';
import { requireBasicAuth } from './basic-auth.ts';
import { openBoardEvents } from './board-events.ts';
import { createBoard } from './board.ts';
import { openBoardMetrics } from './metrics.ts';
import { boardSettings } from './settings.ts';

const QUEUE_LIMIT_MS = 1_500;
const QUERY_LIMIT_MS = 5_000;
const DATABASE_CONNECTIONS = 3;

await runProcess('board', async ({ stack, log }) => {
  const config = readConfig(boardSettings);
  const contracts = Object.values(catalogue);
  const connection = stack.adopt(openQueueConnection(queueUrlOf(config), { role: 'producer', log }), (opened) =>
    opened.close(),
  );
  const reader = stack.adopt(openQueueReader(connection, { deadlineMs: QUEUE_LIMIT_MS }), (opened) => opened.close());
  const pool = stack.adopt(
    openPool(config.DATABASE_URL, {
      name: 'board',
      max: DATABASE_CONNECTIONS,
      statementMs: QUERY_LIMIT_MS,
      onError: (error) => log.warn({ err: error }, 'a database connection was lost'),
    }),
    (opened) => opened.end(),
  );
  stack.adopt(
    openHeartbeat({
      pool,
      process: 'board',
      onError: (error) => log.warn({ err: error }, 'the heartbeat could not be written'),
    }),
    (opened) => opened.close(),
  );
  const coalescer = stack.adopt(
    openCoalescer({
      client: pool,
      record: openRecord(config.AUDIT_ADDRESSES),
      onError: (error) => log.warn({ err: error }, 'acts on the board could not be recorded; their counts are kept'),
    }),
    (opened) => opened.close(),
  );
  const clientAddressOf = openClientAddress(config.TRUST_PROXY);
  const addressOf = ({ socket, headers }: IncomingMessage): string =>
    clientAddressOf(socket.remoteAddress, headers['x-forwarded-for']);
  const observe = openBoardEvents({ coalescer, operator: config.BOARD_USER, addressOf });

  const board = createBoard({
    answerHealth: openHealth({
      checks: [{ name: 'queue', required: true, check: () => connection.ping(QUEUE_LIMIT_MS) }],
      metrics: openBoardMetrics({ reader, contracts, pool }),
      metricsToken: config.METRICS_TOKEN,
    }),
    authenticate: requireBasicAuth({
      user: config.BOARD_USER,
      password: config.BOARD_PASSWORD,
      limiter: openLocalLimiter(),
      addressOf,
      log,
      observe,
    }),
    queues: () => Promise.all(contracts.map(({ name }) => openReadyQueue(connection, name))),
    ping: () => connection.ping(QUEUE_LIMIT_MS),
    isReadOnly: config.BOARD_READ_ONLY,
    isSecure: openIsSecure(config.TRUST_PROXY),
    observe,
    log,
  });
  const server = await listen(board, { host: config.BOARD_HOST, port: config.BOARD_PORT, setting: 'BOARD_PORT' });
  stack.defer(() => server.close());
  log.info({ port: server.port, backend: connection.backend, readOnly: config.BOARD_READ_ONLY }, 'board is ready');
});
