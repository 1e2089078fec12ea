import { catalogue, type QueueName } from '#catalogue.ts';
import { openHeartbeat } from '#database/heartbeat.ts';
import { watchPools } from '#database/pool-metrics.ts';
import { openPool, requireUtf8 } from '#database/pool.ts';
import { openQueueConnection } from '#queue/connection.ts';
import { openProducer } from '#queue/producer.ts';
import { openQueueReader } from '#queue/reader.ts';
import { queueUrlOf } from '#queue/settings.ts';
import { endWhenBlocked } from '#runtime/end-when-blocked.ts';
import { openTraces } from '#runtime/open-traces.ts';
import { openHealth } from '#runtime/health.ts';
import { listen } from '#runtime/http-server.ts';
import type { Log } from '#runtime/log.ts';
import { runProcess } from '#runtime/process.ts';
import { events, MAX_EVENTS_PER_JOB } from '#webhooks/event-queue.ts';
import { wantsEvent } from '#webhooks/handler.ts';
import { traceHandlers } from '#webhooks/trace-handlers.ts';
import { chunksOf } from '#runtime/chunks.ts';
import { openOutbound } from '#runtime/outbound.ts';
import { identifySignatures } from '#uploads/identify-signatures.ts';
import { openStorage } from '#uploads/open-storage.ts';
import { uploads } from '#uploads/queue.ts';
import type { GuardState } from '#uploads/scan-guard.ts';
import { openReceiptProcessor } from '#webhooks/process-receipts.ts';
import { readRetention } from '#webhooks/retention.ts';
import { announcementOf } from './announce-verdicts.ts';
import { describeConsumer, openScannerDescription } from './describe-worker.ts';
import { openWorkerMetrics } from './metrics.ts';
import { handlersOf } from './handlers.ts';
import { watchConsumers } from './job-metrics.ts';
import { openTrail } from './open-trail.ts';
import { openScanning, scannerChecks } from './open-scanning.ts';
import { chosenQueues, concurrencyOf, readWorkerConfig } from './settings.ts';
import { startRelay } from './start-relay.ts';
import { startSweeps } from './start-sweeps.ts';
import { startTrail } from './start-trail.ts';
import { consumersOf } from './worker.ts';

const QUEUE_LIMIT_MS = 1_000;
const CLOSE_LIMIT_MS = 5_000;
const DATABASE_CONNECTIONS = 8;
/** A handler that holds the loop for longer has lost the leases of all that is in hand here: others take it up. */
const BLOCKED_LIMIT_MS = 10_000;

await runProcess('worker', async ({ stack, log }) => {
  const config = readWorkerConfig();
  const retentionDaysOf = readRetention(config.WEBHOOK_RETENTION_DAYS);
  const all = Object.keys(catalogue) as QueueName[];
  const queues = chosenQueues(process.argv.slice(2), all);
  stack.defer(endWhenBlocked({ name: 'worker', limitMs: BLOCKED_LIMIT_MS }));
  const metrics = openWorkerMetrics();
  const traces = await openTraces({
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    service: 'portcullis-worker',
    stack,
  });

  const pool = stack.adopt(
    openPool(config.DATABASE_URL, {
      name: 'worker',
      max: DATABASE_CONNECTIONS,
      onError: (error) => log.warn({ err: error }, 'a database connection was lost'),
    }),
    (opened) => opened.end(),
  );
  await requireUtf8(pool);
  const queueUrl = queueUrlOf(config);
  const ringing = stack.adopt(openQueueConnection(queueUrl, { role: 'producer', log }), (opened) => opened.close());
  const working = stack.adopt(
    openQueueConnection(queueUrl, { role: 'worker', log, consumers: queues.length }),
    (opened) => opened.close(),
  );
  const producer = stack.adopt(openProducer(ringing, { deadlineMs: QUEUE_LIMIT_MS }), (opened) => opened.close());
  const reader = stack.adopt(openQueueReader(ringing, { deadlineMs: QUEUE_LIMIT_MS }), (opened) => opened.close());
  const outbound = stack.adopt(openOutbound({ allowPrivate: config.FORWARD_ALLOW_PRIVATE }), (opened) =>
    opened.close(),
  );
  const handlers = traceHandlers(handlersOf({ config, outbound }), traces);
  const onEvents = (ids: readonly string[]): void => {
    const jobs = chunksOf(ids, MAX_EVENTS_PER_JOB).map((eventIds) => ({ eventIds }));
    producer.ringMany(events, jobs).catch(metrics.doorbellMissed);
  };
  const announce = announcementOf({ handlers, onEvents });
  const processor = stack.adopt(
    openReceiptProcessor({ pool, traces, wants: (type) => wantsEvent(handlers, type), onEvents }),
    (opened) => opened.drain(),
  );
  const { storage, checks: storageChecks } = await openStorage({ config, log, stack });
  const scanning = queues.includes('uploads')
    ? await openScanning({ config, pool, storage, announce, log, stack, onVerdict: metrics.scanned, traces })
    : undefined;
  const clamd = config.CLAMD_URL;
  const trail = openTrail({ pool, outbound, config, metrics: metrics.alerts, log });
  const parts = {
    pool,
    producer,
    processor,
    handlers,
    log,
    storage,
    announce,
    retentionDaysOf,
    tendTrail: trail.tend,
    receivers: trail.receivers,
    identifySignatures: clamd === undefined ? undefined : () => identifySignatures(clamd),
    scanning: () => {
      if (scanning === undefined) throw new Error('this worker does not scan uploads');
      return scanning;
    },
  };

  const consumers = consumersOf(parts);
  const concurrency = concurrencyOf(config);
  const running = queues.map((name) =>
    consumers[name].start(working, { concurrency: concurrency[name], log, onHopeless: () => endHopeless(log, name) }),
  );
  stack.defer(async () => {
    await Promise.all(running.map((consumer) => consumer.close(CLOSE_LIMIT_MS)));
  });

  watchConsumers(metrics.registry, running);
  watchPools(metrics.registry, { worker: pool });

  if (scanning !== undefined) {
    const scans = running.find((consumer) => consumer.queue === uploads.name);
    const obey = ({ isReady }: GuardState): void => (isReady ? scans?.resume() : scans?.pause());
    obey(scanning.guard.state);
    scanning.guard.onChange(obey);
    metrics.watchUploads({ pool, guard: scanning.guard });
  }

  startRelay({ parts, queues, ringing, reader, relayed: metrics.relayed, stack });
  if (queues.includes('audit')) startTrail({ trail, pool, producer, log, stack });
  if (queues.includes('sweeps')) startSweeps({ parts, ringing, stack });

  const describeScanner = scanning && openScannerDescription(scanning.guard);
  stack.adopt(
    openHeartbeat({
      pool,
      process: 'worker',
      describe: () => ({ queues: running.map(describeConsumer), scanner: describeScanner?.() }),
      onError: (error) => log.warn({ err: error }, 'the heartbeat could not be written'),
    }),
    (opened) => opened.close(),
  );

  const answerHealth = openHealth({
    checks: [
      {
        name: 'database',
        required: true,
        check: async () => {
          await pool.query('select 1');
        },
      },
      { name: 'queue', required: false, check: () => ringing.ping(QUEUE_LIMIT_MS) },
      ...storageChecks,
      ...(scanning === undefined ? [] : scannerChecks(scanning.guard)),
    ],
    metrics: metrics.registry,
    metricsToken: config.METRICS_TOKEN,
  });
  const server = await listen(
    (request, response) => {
      if (!answerHealth(request, response)) response.writeHead(404).end();
    },
    { host: config.HOST, port: config.WORKER_PORT, setting: 'WORKER_PORT' },
  );
  stack.defer(() => server.close());
  log.info({ queues, port: server.port, backend: working.backend }, 'worker is ready');
});

/** Replacing the consumer did not help, so the process is replaced: whoever supervises it starts it again. */
function endHopeless(log: Log, queue: string): never {
  log.fatal({ queue }, 'jobs wait and none is taken, whatever is tried: ending to be started again');
  log.flush();
  process.exit(70);
}
