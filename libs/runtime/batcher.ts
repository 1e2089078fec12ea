import { Failure, type FailureCode } from '#runtime/failure.ts';

export interface BatcherOptions<Item, Result> {
  /** Writes one batch; the results stand in the order of the items. */
  write: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Whether a failed batch may hold one bad item, so that halving it can save the others. */
  isItemFault: (error: unknown) => boolean;
  bytesOf: (item: Item) => number;
  maxRows: number;
  maxBatchBytes: number;
  maxInFlight: number;
  /**
   * How long a batch gathers while another one is in flight, in milliseconds; it begins sooner when that one ends or when it
   * is full itself. Fewer and larger batches cost less; one that is stuck holds up the next for no longer than this. 0 unless told.
   */
  gatherMs?: number;
  /** Bounds of what may wait: past them `add` rejects at once. */
  maxWaitingRows: number;
  maxWaitingBytes: number;
  /** How long an item may wait before its batch is begun. */
  maxAgeMs: number;
  full: FailureCode;
  now?: () => number;
}

export interface Batcher<Item, Result> {
  add(item: Item): Promise<Result>;
  readonly waiting: number;
  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void>;
}

interface Entry<Item, Result> {
  item: Item;
  bytes: number;
  addedAtMs: number;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Adaptive group commit: a batch is whatever came in while earlier batches were in flight. An item that finds none in flight
 * is written at once.
 */
export function openBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const { now = Date.now, gatherMs = 0 } = options;
  const queue: Entry<Item, Result>[] = [];
  const idleWaiters: (() => void)[] = [];
  let waitingBytes = 0;
  let inFlight = 0;
  /** Batches in flight, and those whose outcome is still to be told. */
  let unsettled = 0;
  let scheduled = false;
  let gathering = false;

  function mayBegin(): boolean {
    if (queue.length === 0 || inFlight >= options.maxInFlight) return false;
    return !gathering || queue.length >= options.maxRows || waitingBytes >= options.maxBatchBytes;
  }

  function schedule(): void {
    if (scheduled || (inFlight > 0 && !mayBegin())) return;
    scheduled = true;
    // Requests that arrived in one turn of the event loop share a batch.
    setImmediate(() => {
      scheduled = false;
      begin();
      if (unsettled === 0 && queue.length === 0) for (const wake of idleWaiters.splice(0)) wake();
    });
  }

  function begin(): void {
    while (mayBegin()) void writeNext();
  }

  async function writeNext(): Promise<void> {
    const batch = takeBatch();
    if (batch.length === 0) return;
    inFlight += 1;
    unsettled += 1;
    const gathered = gatherMs > 0 ? gather() : undefined;
    const settle = await writeOrHalve(batch);
    inFlight -= 1;
    gathered?.();
    begin();
    const end = (): void => {
      settle();
      unsettled -= 1;
      schedule();
    };
    // Telling the outcome takes its time: the next batch is on its way first.
    if (inFlight > 0) setImmediate(end);
    else end();
  }

  /** Lets the next batch grow until the returned function is called, or the time is over. */
  function gather(): () => void {
    gathering = true;
    const end = (): void => {
      gathering = false;
    };
    const timer = setTimeout(() => {
      end();
      schedule();
    }, gatherMs);
    return () => {
      clearTimeout(timer);
      end();
    };
  }

  function takeBatch(): Entry<Item, Result>[] {
    const oldest = now() - options.maxAgeMs;
    const batch: Entry<Item, Result>[] = [];
    let bytes = 0;
    let taken = 0;
    for (const entry of queue) {
      if (batch.length >= options.maxRows) break;
      if (batch.length > 0 && bytes + entry.bytes > options.maxBatchBytes) break;
      taken += 1;
      waitingBytes -= entry.bytes;
      if (entry.addedAtMs < oldest) {
        entry.reject(new Failure(options.full, { detail: 'waited too long to be written' }));
        continue;
      }
      bytes += entry.bytes;
      batch.push(entry);
    }
    queue.splice(0, taken);
    return batch;
  }

  /** Writes a batch; the returned function tells its outcome. */
  async function writeOrHalve(batch: Entry<Item, Result>[]): Promise<() => void> {
    try {
      const results = await options.write(batch.map((entry) => entry.item));
      return () => batch.forEach((entry, index) => entry.resolve(results[index] as Result));
    } catch (error) {
      if (batch.length === 1 || !options.isItemFault(error)) {
        return () => {
          for (const entry of batch) entry.reject(error);
        };
      }
      const middle = batch.length >> 1;
      const settleFirst = await writeOrHalve(batch.slice(0, middle));
      settleFirst();
      return writeOrHalve(batch.slice(middle));
    }
  }

  return {
    get waiting() {
      return queue.length;
    },
    add(item) {
      const bytes = options.bytesOf(item);
      if (queue.length >= options.maxWaitingRows || waitingBytes + bytes > options.maxWaitingBytes) {
        return Promise.reject(new Failure(options.full, { detail: 'too much is waiting to be written' }));
      }
      return new Promise((resolve, reject) => {
        queue.push({ item, bytes, addedAtMs: now(), resolve, reject });
        waitingBytes += bytes;
        schedule();
      });
    },
    idle() {
      if (unsettled === 0 && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        idleWaiters.push(resolve);
        schedule();
      });
    },
  };
}
