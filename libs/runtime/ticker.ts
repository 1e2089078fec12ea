/** Something that happens again and again, never twice at a time, until it is closed. */
export interface Ticker {
  close(): Promise<void>;
}

/**
 * Runs `work` every `periodMs`, counted from the end of one run to the start of the next; at once where `work` says there
 * is more. An error is handed to `onError` and the next run comes at its time.
 */
export function startTicker(
  periodMs: number,
  work: (signal: AbortSignal) => Promise<boolean | void>,
  onError: (error: unknown) => void,
): Ticker {
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  function schedule(delayMs: number): void {
    if (ended.signal.aborted) return;
    timer = setTimeout(() => {
      running = run();
    }, delayMs);
  }

  async function run(): Promise<void> {
    let hasMore: boolean | void = false;
    try {
      hasMore = await work(ended.signal);
    } catch (error) {
      onError(error);
    }
    schedule(hasMore === true ? 0 : periodMs);
  }

  schedule(0);
  return {
    close() {
      ended.abort();
      clearTimeout(timer);
      return running;
    },
  };
}
