import { Worker } from 'node:worker_threads';
import type { Kind } from '#uploads/file-kind.ts';
import type { FilePolicy } from '#uploads/file-policy.ts';
import type { Claim, Inspection } from '#uploads/inspect/inspect-file.ts';

export interface InspectorOptions {
  policy: FilePolicy;
  /** Files at once. */
  threads: number;
  limitMs?: number;
}

/** Looks into files in threads of its own, which are killed past the limits of time and memory. */
export interface Inspector {
  /** @param fd of a file that stays open meanwhile. */
  inspect(fd: number, sizeBytes: number, claim: Claim): Promise<Inspection>;
  close(): Promise<void>;
}

const LIMIT_MS = 2_000;
const START_LIMIT_MS = 30_000;
const THREAD_LIMITS = { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 12, stackSizeMb: 4 };
const BOUNDED: readonly Kind[] = ['zip', 'ooxml', 'gzip', 'tar', 'bzip2', 'xz', 'png', 'jpeg', 'gif', 'webp', 'avif'];

export function openInspector({ policy, threads, limitMs = LIMIT_MS }: InspectorOptions): Inspector {
  const idle: InspectionThread[] = [];
  const waiting: ((thread: InspectionThread) => void)[] = [];
  const all = new Set<InspectionThread>();
  let isClosed = false;

  function put(thread: InspectionThread): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(thread);
    else next(thread);
  }

  function add(): void {
    const thread = startThread(policy);
    all.add(thread);
    put(thread);
  }

  function take(): Promise<InspectionThread> {
    const thread = idle.pop();
    return thread === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(thread);
  }

  for (let count = 0; count < threads; count += 1) add();
  return {
    async inspect(fd, sizeBytes, claim) {
      const thread = await take();
      const outcome = await thread.run({ fd, sizeBytes, claim }, limitMs);
      if (outcome.kind === 'done') {
        put(thread);
        return outcome.inspection;
      }
      all.delete(thread);
      await thread.end();
      if (!isClosed) add();
      if (outcome.kind === 'failed') throw outcome.error;
      return overLimit(policy, claim, outcome.detail);
    },
    async close() {
      isClosed = true;
      await Promise.all(Array.from(all, (thread) => thread.end()));
    },
  };
}

/** Archives and images are refused for being too much; of everything else nothing can be said. */
function overLimit(policy: FilePolicy, { extension }: Claim, detail: string): Inspection {
  const kind = policy.get(extension)?.kind;
  const status = kind !== undefined && BOUNDED.includes(kind) ? 'rejected' : 'unscannable';
  return { kind: 'refused', status, reason: 'archive-limits', detail };
}

type Outcome =
  | { kind: 'done'; inspection: Inspection }
  | { kind: 'over'; detail: string }
  | { kind: 'failed'; error: unknown };

interface InspectionThread {
  run(order: { fd: number; sizeBytes: number; claim: Claim }, limitMs: number): Promise<Outcome>;
  end(): Promise<unknown>;
}

function startThread(policy: FilePolicy): InspectionThread {
  const worker = new Worker(new URL('./inspect/thread.ts', import.meta.url), {
    workerData: policy,
    resourceLimits: THREAD_LIMITS,
    stdin: false,
  });
  let onOutcome: (outcome: Outcome) => void = () => undefined;
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  worker.on('message', (message: 'ready' | Inspection) => {
    if (message === 'ready') ready.resolve();
    else onOutcome({ kind: 'done', inspection: message });
  });
  worker.on('error', (error: Error) => {
    ready.reject(error);
    const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    onOutcome(isMemory ? { kind: 'over', detail: 'took too much memory' } : { kind: 'failed', error });
  });
  worker.on('exit', () => {
    const error = new Error('the inspection thread ended');
    ready.reject(error);
    onOutcome({ kind: 'failed', error });
  });
  worker.unref();

  return {
    async run(order, limitMs) {
      worker.ref();
      try {
        const isReady = await settled(ready.promise, START_LIMIT_MS);
        if (isReady !== true) return { kind: 'failed', error: isReady ?? new Error('the thread did not start') };
        return await new Promise((resolve) => {
          const timer = setTimeout(
            () => onOutcome({ kind: 'over', detail: `took longer than ${limitMs} ms` }),
            limitMs,
          );
          onOutcome = (outcome) => {
            clearTimeout(timer);
            onOutcome = () => undefined;
            resolve(outcome);
          };
          worker.postMessage(order);
        });
      } finally {
        worker.unref();
      }
    },
    end: () => worker.terminate(),
  };
}

/** True in time, undefined too late, or what it was rejected with. */
async function settled(work: Promise<void>, limitMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([
      work.then(
        () => true,
        (error: unknown) => error,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
