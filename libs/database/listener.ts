import { Client } from 'pg';

const RECONNECT_MS = 500;
const RECONNECT_MAX_MS = 10_000;
const CONNECT_LIMIT_MS = 2_000;
/** A frozen server is noticed within two of these. */
const CHECK_MS = 10_000;

export interface ListenerOptions {
  channel: string;
  onNotification: (payload: string) => void;
  /** The connection was lost or is new: notifications may have been missed. */
  onGap: () => void;
  onError: (error: Error) => void;
}

export interface Listener {
  close(): Promise<void>;
}

/** One connection that LISTENs on one channel for as long as the process lives, and comes back when it is lost. */
export function openListener(connectionString: string, options: ListenerOptions): Listener {
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let retryMs = RECONNECT_MS;
  let isClosed = false;

  async function connect(): Promise<void> {
    const fresh = new Client({
      connectionString,
      application_name: `portcullis-listen-${options.channel}`,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: CHECK_MS,
      keepAlive: true,
    });
    client = fresh;
    fresh.on('notification', ({ payload = '' }) => options.onNotification(payload));
    fresh.on('error', (error) => {
      options.onError(error);
      reconnect(fresh);
    });
    fresh.on('end', () => reconnect(fresh));
    try {
      await fresh.connect();
      await fresh.query(`listen ${fresh.escapeIdentifier(options.channel)}`);
      retryMs = RECONNECT_MS;
      options.onGap();
      schedule(() => check(fresh), CHECK_MS);
    } catch (error) {
      options.onError(error as Error);
      reconnect(fresh);
    }
  }

  async function check(current: Client): Promise<void> {
    try {
      await current.query('select 1');
      schedule(() => check(current), CHECK_MS);
    } catch (error) {
      options.onError(error as Error);
      reconnect(current);
    }
  }

  function reconnect(lost: Client): void {
    if (isClosed || client !== lost) return;
    client = undefined;
    void end(lost);
    options.onGap();
    schedule(connect, retryMs);
    retryMs = Math.min(retryMs * 2, RECONNECT_MAX_MS);
  }

  function schedule(work: () => Promise<void>, delayMs: number): void {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => void work(), delayMs);
    timer.unref();
  }

  void connect();
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      if (client !== undefined) await end(client);
    },
  };
}

async function end(client: Client): Promise<void> {
  // What goes wrong at the end of a lost connection is of no interest, but must not end the process.
  client.on('error', () => undefined);
  await client.end().catch(() => undefined);
}
