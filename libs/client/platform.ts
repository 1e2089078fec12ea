import { openSendForm, type SendForm } from './send-form.ts';

/** The few parts of a browser that are used where they exist. Node has some of them. */
export interface Platform {
  fetch: typeof fetch;
  /** The local clock, in ms. Only differences of it are ever used. */
  now: () => number;
  random: () => number;
  /** A timer that does not keep a Node process alive. @returns how to cancel it. */
  after: (ms: number, run: () => void) => () => void;
  /** The same, and the process waits for it. */
  sleep: (ms: number, run: () => void) => () => void;
  sendForm: SendForm;
  /** `document.cookie`; undefined outside of a page. */
  cookies: () => string | undefined;
  /** Undefined where there are no Web Locks. */
  locks: LockPort | undefined;
  /** Undefined where tabs can't talk to each other. */
  openChannel: ((name: string) => ChannelPort) | undefined;
  /** Calls back when waiting for a back-off has become pointless: online again, page shown again. */
  onWake: (run: () => void) => () => void;
}

export interface LockPort {
  request(name: string, options: { signal: AbortSignal }, run: () => Promise<void>): Promise<unknown>;
}

export interface ChannelPort {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  close(): void;
  unref?(): unknown;
}

interface Page {
  document?: { cookie: string };
  navigator?: { locks?: LockPort };
  BroadcastChannel?: new (name: string) => ChannelPort;
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

const WAKING = ['online', 'pageshow', 'resume'];

export function openPlatform(): Platform {
  const page = globalThis as unknown as Page;
  const { BroadcastChannel } = page;
  return {
    fetch: (input, init) => globalThis.fetch(input, init),
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, run) {
      const timer: unknown = setTimeout(run, ms);
      (timer as { unref?(): void }).unref?.();
      return () => clearTimeout(timer as number);
    },
    sleep(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    sendForm: openSendForm(globalThis as Parameters<typeof openSendForm>[0]),
    cookies: () => page.document?.cookie,
    locks: page.navigator?.locks,
    openChannel: BroadcastChannel && ((name) => new BroadcastChannel(name)),
    onWake(run) {
      for (const type of WAKING) page.addEventListener?.(type, run);
      return () => {
        for (const type of WAKING) page.removeEventListener?.(type, run);
      };
    },
  };
}
