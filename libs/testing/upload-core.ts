import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { record } from '#audit/record.ts';
import { openListener } from '#database/listener.ts';
import { openPool, type Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { listen } from '#runtime/http-server.ts';
import { openLog } from '#runtime/log.ts';
import { openTurns } from '#runtime/turns.ts';
import { scannerOf, trustingGuard } from '#testing/upload-scanner.ts';
import { openAdmissions } from '#uploads/admission.ts';
import { openUploadChanges, type UploadChanges } from '#uploads/changes.ts';
import type { Checkpoint } from '#uploads/checkpoint.ts';
import type { ClamdAddress } from '#uploads/clamd-connection.ts';
import { defaultPolicy, type FilePolicy } from '#uploads/file-policy.ts';
import { openInspector } from '#uploads/inspector.ts';
import type { UploadLimits } from '#uploads/limits.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import type { Pace } from '#uploads/read-body.ts';
import { openS3Storage } from '#uploads/s3/s3-storage.ts';
import type { ScanGuard } from '#uploads/scan-guard.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import { scanUpload } from '#uploads/scan-upload.ts';
import type { Scanner } from '#uploads/scanner.ts';
import type { S3Place } from '#uploads/storage-settings.ts';
import type { Storage } from '#uploads/storage.ts';
import type { AuthoriseAttachment } from '#uploads/ticket-check.ts';
import { rememberCaller, type Role } from '../../apps/ingress/caller.ts';
import { buildIngress } from '../../apps/ingress/ingress.ts';
import { isUpload, uploadRoutes } from '../../apps/ingress/routes/uploads.ts';
import { announcementOf } from '../../apps/worker/announce-verdicts.ts';

export interface UploadSystemOptions {
  /** A clamd to scan with, or a scanner of the test's own. */
  clamd?: ClamdAddress;
  scanner?: Scanner;
  policy?: FilePolicy;
  limits?: Partial<UploadLimits>;
  authorise?: AuthoriseAttachment;
  pace?: Pace;
  checkpoint?: Checkpoint;
  /** Without it uploads are scanned as soon as they are rung for. */
  isScanningByHand?: boolean;
  /** Files lie there and not in the directory. */
  s3?: S3Place | undefined;
  wrapStorage?: (storage: Storage) => Storage;
  guard?: ScanGuard;
  /** How long anything waits for a connection to the database; generous, because tests share the machine. */
  connectMs?: number;
}

/** Intake, scanning and serving in one process, on a database, a directory and a port of their own. */
export interface UploadSystem extends AsyncDisposable {
  origin: string;
  port: number;
  pool: Pool;
  dataDir: string;
  storage: Storage;
  changes: UploadChanges;
  parts: ScanParts;
  /** Brings an upload to its verdict. */
  scan(uploadId: string): Promise<void>;
  /** Resolves when everything that was rung for is done. */
  settled(): Promise<void>;
  /** Names of the files in both zones. */
  files(): { quarantine: string[]; clean: string[] };
}

export const OWNER = '00000000-0000-7000-8000-000000000001';
export const STRANGER = '00000000-0000-7000-8000-000000000002';
export const AGENT = '00000000-0000-7000-8000-000000000003';

/** Whoever else has an id that begins with 1 is an agent. */
const ROLES: Record<string, Role> = { [OWNER]: 'user', [STRANGER]: 'user', [AGENT]: 'agent' };
const LIMITS: UploadLimits = {
  maxBytes: 25 * 1024 * 1024,
  quotaBytes: 1024 ** 3,
  perHour: 1_000_000,
  quarantineBytes: 5 * 1024 ** 3,
};

/** The system on a database and a directory that are there already. */
export async function startUploadSystem(
  { databaseUrl, dataDir }: { databaseUrl: string; dataDir: string },
  options: UploadSystemOptions = {},
): Promise<UploadSystem> {
  const stack = new AsyncDisposableStack();
  const pool = stack.adopt(
    openPool(databaseUrl, { name: 'test', max: 8, connectMs: options.connectMs ?? 10_000, onError: () => undefined }),
    (opened) => opened.end(),
  );
  const policy = options.policy ?? defaultPolicy;
  const limits = { ...LIMITS, ...options.limits };
  const authorise = options.authorise ?? (async () => true);
  const inspector = stack.adopt(openInspector({ policy, threads: 2 }), (opened) => opened.close());
  const log = openLog({ name: 'test', level: 'silent' });
  const scanner = options.scanner ?? (await scannerOf(options.clamd));
  const guard = options.guard ?? (await trustingGuard(options.clamd));
  const checkpoint = options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint };
  const opened = stack.use(
    options.s3 === undefined
      ? await openLocalStorage(dataDir)
      : await openS3Storage({ place: options.s3, dataDir, log, ...checkpoint }),
  );
  const storage = options.wrapStorage?.(opened) ?? opened;
  const listening = { name: 'listening', wants: () => true, call: async () => undefined };
  const announce = announcementOf({ handlers: [listening], onEvents: () => undefined });
  const parts = { pool, storage, inspector, scanner, guard, authorise, record, announce, log, ...checkpoint };
  const changes = stack.adopt(openUploadChanges(), (opened) => opened.close());
  const heard = Promise.withResolvers<void>();
  const listener = openListener(databaseUrl, {
    channel: 'upload_changed',
    onNotification: (id) => changes.tell(id),
    onGap: () => {
      heard.resolve();
      changes.tellAll();
    },
    onError: () => undefined,
  });
  stack.defer(() => listener.close());
  await heard.promise;

  const scans = new Set<Promise<void>>();
  const scan = (uploadId: string): Promise<void> => scanUpload(parts, uploadId, new AbortController().signal);
  const start = (uploadId: string): void => {
    const running = scan(uploadId)
      .catch(() => undefined)
      .finally(() => scans.delete(running));
    scans.add(running);
  };
  const letIn = authenticateByHeader();
  const router = uploadRoutes({
    pool,
    commitInTurn: openTurns(4),
    storage,
    changes,
    record,
    limits,
    policy,
    authorise,
    admissions: openAdmissions(pool, limits),
    ring: async (uploadId) => {
      if (options.isScanningByHand !== true) start(uploadId);
    },
    onDoorbellMissed: () => undefined,
    mayRead: letIn,
    mayWrite: letIn,
    ...checkpoint,
    ...(options.pace === undefined ? {} : { pace: options.pace }),
  });
  const app = buildIngress({ headers: {}, routers: [router], log });
  const server = await listen(app, { host: '127.0.0.1', port: 0, setting: 'PORT', readsLate: isUpload });
  stack.defer(() => server.close());
  const settled = async (): Promise<void> => {
    while (scans.size > 0) await Promise.all(scans);
  };
  stack.defer(settled);
  const { port } = server;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    pool,
    dataDir,
    storage,
    changes,
    parts,
    scan,
    settled,
    files: () => ({
      quarantine: readdirSync(join(dataDir, 'quarantine')),
      clean: readdirSync(join(dataDir, 'clean')),
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The header `x-caller` names who calls, so that these tests need no sign-in. */
function authenticateByHeader(): Parameters<typeof uploadRoutes>[0]['mayRead'] {
  return (request, response, next) => {
    const userId = request.headers['x-caller'];
    if (typeof userId !== 'string') throw new Failure('unauthenticated');
    rememberCaller(response, {
      kind: 'user',
      userId,
      role: ROLES[userId] ?? (userId.startsWith('1') ? 'agent' : 'user'),
      sessionId: undefined,
      tokenId: undefined,
    });
    next();
  };
}
