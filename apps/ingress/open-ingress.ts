import type { Express } from 'express';
import { listen } from '#runtime/http-server.ts';
import { openHealth } from '#runtime/health.ts';
import { openTraces } from '#runtime/open-traces.ts';
import type { ProcessParts } from '#runtime/process.ts';
import { openCoalescer } from '#audit/coalesce.ts';
import { openRecord } from '#audit/record-addresses.ts';
import { watchPools } from '#database/pool-metrics.ts';
import { webhooks } from '#webhooks/queue.ts';
import { openStorage } from '#uploads/open-storage.ts';
import type { Sources } from '#webhooks/sources.ts';
import { traceJournal } from '#webhooks/trace-journal.ts';
import { openAccessMetrics } from './access-metrics.ts';
import { accessRoutes } from './access-routes.ts';
import { openClientAddressOf } from './client.ts';
import { consoleRoutes } from './console.ts';
import { allowOrigin } from './cors.ts';
import { apiHeaders } from './headers.ts';
import { openBodyBudget } from './body-budget.ts';
import { buildIngress } from './ingress.ts';
import { openLimitMetrics } from './limit-metrics.ts';
import { openIngressMetrics } from './metrics.ts';
import { hearSessionEnds } from './hear-session-ends.ts';
import { openAccess } from './open-access.ts';
import { openConnections } from './open-connections.ts';
import { observeWebhooks } from './observe-webhooks.ts';
import { openLimits } from './open-limits.ts';
import { watchLoad } from './open-load.ts';
import { openMonitoring } from './open-monitoring.ts';
import { openReceiving } from './open-receiving.ts';
import { openUploads } from './open-uploads.ts';
import { limitPages } from './limit-pages.ts';
import { pageHeaders } from './page-headers.ts';
import { openReceiptRoutes } from './receipt-routes.ts';
import { limitRefusals } from './refusal-limit.ts';
import { openCspReports } from './open-csp-reports.ts';
import { isUpload, uploadRoutes } from './routes/uploads.ts';
import { traceRequests } from './trace-requests.ts';
import { openWebhookDoor } from './webhook-door.ts';
import type { IngressConfig } from './settings.ts';

const BODY_BUDGET_BYTES = 48 * 1024 * 1024;

export interface OpenIngressParts extends ProcessParts {
  config: IngressConfig;
  sources: Sources;
}

export interface OpenIngress {
  port: number;
  /** What answers behind the doors of webhooks and of health. */
  app: Express;
}

/** Opens all that the ingress needs, and listens. What is opened later is closed earlier: first the door, last the pools. */
export async function openIngress({ stack, log, config, sources }: OpenIngressParts): Promise<OpenIngress> {
  const metrics = openIngressMetrics();
  const traces = await openTraces({
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    service: 'portcullis-ingress',
    stack,
  });
  const requestTraces = traces && traceRequests(traces);
  const connections = await openConnections({ stack, log, config, sources });
  const { pool, queue, producer, reader } = connections;
  const record = openRecord(config.AUDIT_ADDRESSES);
  const coalescer = stack.adopt(
    openCoalescer({
      client: pool,
      record,
      onError: (error) => log.warn({ err: error }, 'refusals could not be recorded; their counts are kept'),
    }),
    (opened) => opened.close(),
  );
  const { journal, refusals, checks } = await openReceiving({ stack, log, config, sources, connections, metrics });

  const headers = apiHeaders({
    secure: config.PUBLIC_URL.startsWith('https:'),
    preload: config.HSTS_PRELOAD,
  });
  const clientAddressOf = openClientAddressOf(config.TRUST_PROXY, (peer) =>
    log.warn({ peer }, 'x-forwarded-for of a peer that TRUST_PROXY does not name is not believed'),
  );
  const load = watchLoad({
    stack,
    waitingForPool: () => pool.waitingCount,
    queueDepth: async () => (await reader.depth(webhooks)).waiting,
  });
  const limits = await openLimits({
    config,
    stack,
    log,
    pool,
    load,
    clientAddressOf,
    coalescer,
    metrics: openLimitMetrics(metrics.registry, () => load.factor),
  });
  const enterByWebhookDoor = openWebhookDoor({
    sources,
    journal: traceJournal(journal, traces),
    refusals,
    limiter: limits.local,
    sourceQuota: limits.tiers.source,
    budget: openBodyBudget(BODY_BUDGET_BYTES),
    clientAddressOf,
    headers,
    log,
    observe: observeWebhooks(metrics.webhooks, coalescer),
    traceparentOf: requestTraces?.traceparentOf,
  });
  const { storage, checks: storageChecks } = await openStorage({ config, log, stack });
  const answerHealth = openHealth({
    checks: [...checks, ...storageChecks, { name: 'queue', required: false, check: () => queue.ping(1_000) }],
    metrics: metrics.registry,
    metricsToken: config.METRICS_TOKEN,
  });
  const access = await openAccess({ config, pool, record, limits });
  stack.defer(() => access.context.passwords.close());
  hearSessionEnds({ stack, log, databaseUrl: config.DATABASE_URL, standings: access.standings });
  const observe = openAccessMetrics(metrics.registry, access.context.passwords.gate);
  const receiptRoutes = await openReceiptRoutes({
    stack,
    record,
    databaseUrl: config.DATABASE_URL,
    pool,
    producer,
    sources,
    limiter: limits.limiter,
    requireCaller: access.requireCaller,
    clientAddressOf,
    onMissed: metrics.doorbellMissed,
  });
  const uploads = await openUploads({
    config,
    storage,
    record,
    pool,
    producer,
    requireCaller: access.requireCaller,
    onDoorbellMissed: metrics.doorbellMissed,
    traces,
    requestTraces,
    log,
    stack,
  });
  watchPools(metrics.registry, { ingress: pool, journal: connections.journalPool });
  const monitoringRoutes = await openMonitoring({
    stack,
    databaseUrl: config.DATABASE_URL,
    pool,
    queue,
    requireCaller: access.requireCaller,
    traffic: metrics.traffic,
    log,
  });
  const routers = [
    ...accessRoutes({ access, origin: new URL(config.PUBLIC_URL).origin, clientAddressOf, limits, observe }),
    ...receiptRoutes,
    uploadRoutes(uploads),
    ...monitoringRoutes,
    openCspReports({ limits, clientAddressOf, coalescer }),
    limitPages(limits),
    consoleRoutes({
      origin: new URL(config.PUBLIC_URL).origin,
      boardUrl: config.BOARD_URL && new URL(config.BOARD_URL).href,
      asPage: pageHeaders({
        clientUrl: config.CLIENT_URL,
        secure: config.PUBLIC_URL.startsWith('https:'),
        preload: config.HSTS_PRELOAD,
      }),
    }),
  ];
  const guards = [
    allowOrigin(new URL(config.CLIENT_URL).origin),
    limitRefusals({ limiter: limits.local, clientAddressOf, observe: limits.observe }),
  ];
  const app = buildIngress({ headers, guards, routers, log });

  const server = await listen(
    (request, response) => {
      const startedAt = performance.now();
      requestTraces?.begin(request, response);
      if (enterByWebhookDoor(request, response)) metrics.observeHttp(request, response, startedAt, 'webhooks');
      else if (!answerHealth(request, response)) {
        metrics.observeHttp(request, response, startedAt);
        app(request, response);
      }
    },
    { host: config.HOST, port: config.PORT, setting: 'PORT', readsLate: isUpload },
  );
  stack.defer(() => server.close());
  return { port: server.port, app };
}
