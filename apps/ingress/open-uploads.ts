import type { RecordEvents } from '#audit/record.ts';
import { openListener } from '#database/listener.ts';
import type { Pool } from '#database/pool.ts';
import type { Producer } from '#queue/producer.ts';
import type { Log } from '#runtime/log.ts';
import type { Traces } from '#runtime/traces.ts';
import { openTurns } from '#runtime/turns.ts';
import { openAdmissions } from '#uploads/admission.ts';
import { openUploadChanges } from '#uploads/changes.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';
import type { Storage } from '#uploads/storage.ts';
import { uploads } from '#uploads/queue.ts';
import { openTicketCheck } from '#uploads/ticket-check.ts';
import type { RequireCaller } from './authenticate.ts';
import type { UploadRouteParts } from './routes/uploads.ts';
import type { IngressConfig } from './settings.ts';
import type { RequestTraces } from './trace-requests.ts';

/** Fewer than the pool has connections, so that signing in and reading go on meanwhile. */
const COMMITS_AT_ONCE = 6;

export interface OpenUploadsParts {
  config: IngressConfig;
  storage: Storage;
  pool: Pool;
  record: RecordEvents;
  producer: Producer;
  requireCaller: RequireCaller;
  onDoorbellMissed: () => void;
  traces: Traces | undefined;
  requestTraces: RequestTraces | undefined;
  log: Log;
  stack: AsyncDisposableStack;
}

/** Opens what the routes of uploads stand on: room for what comes in, and one connection that hears of changes. */
export async function openUploads(parts: OpenUploadsParts): Promise<UploadRouteParts> {
  const { config, storage, pool, record, producer, requireCaller, log, stack } = parts;
  const changes = stack.adopt(openUploadChanges(), (opened) => opened.close());
  const listener = openListener(config.DATABASE_URL, {
    channel: 'upload_changed',
    onNotification: (uploadId) => changes.tell(uploadId),
    onGap: () => changes.tellAll(),
    onError: (error) => log.warn({ err: error }, 'changes of uploads are not heard of'),
  });
  stack.defer(() => listener.close());
  const limits = {
    maxBytes: config.UPLOAD_MAX_BYTES,
    quotaBytes: config.UPLOAD_QUOTA_BYTES,
    perHour: config.UPLOADS_PER_HOUR,
    quarantineBytes: config.QUARANTINE_MAX_BYTES,
  };
  return {
    pool,
    commitInTurn: openTurns(COMMITS_AT_ONCE),
    storage,
    changes,
    record,
    limits,
    policy: defaultPolicy,
    admissions: openAdmissions(pool, limits),
    authorise: openTicketCheck(config.TICKET_CHECK_URL),
    ring: (uploadId) => producer.ring(uploads, { uploadId }),
    onDoorbellMissed: parts.onDoorbellMissed,
    traces: parts.traces,
    traceparentOf: parts.requestTraces?.traceparentOf,
    mayRead: requireCaller({ scope: 'uploads:read' }),
    mayWrite: requireCaller({ scope: 'uploads:write' }),
  };
}
