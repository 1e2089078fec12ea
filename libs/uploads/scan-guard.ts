import type { Log } from '#runtime/log.ts';
import { sings } from '#uploads/canary.ts';
import { exceededLimits } from '#uploads/self-check.ts';
import type { Scanner } from '#uploads/scanner.ts';
import type { SignatureState } from '#uploads/signature-state.ts';

export type GuardState =
  | { isReady: true; signatures: SignatureState }
  /** Untrusted: the scanner answers, but not as it must. */
  | { isReady: false; why: string; isUntrusted: boolean };

export interface ScanGuardOptions {
  scanner: Scanner;
  /** Asks clamd which signatures it has. */
  identify: () => Promise<SignatureState>;
  /** The largest upload. */
  maxBytes: number;
  allowTestSignatures: boolean;
  log: Log;
  now?: () => number;
  checkMs?: number;
  retryMs?: number;
}

/** Decides whether "nothing found" may be believed. While it may not, nothing is scanned and nothing promoted. */
export interface ScanGuard {
  readonly state: GuardState;
  onChange(listener: (state: GuardState) => void): void;
  /** A scan went wrong: looks at once. @returns whether the scanner is well, so that the file must be at fault. */
  isScannerWell(): Promise<boolean>;
  close(): Promise<void>;
}

const CHECK_MS = 60_000;
const RETRY_MS = 2_000;
const CANARY_LIMIT_MS = 10_000;
const SELF_CHECK_LIMIT_MS = 120_000;
const MAX_SIGNATURE_AGE_MS = 7 * 86_400_000;

/** Looks at the scanner at once, then each minute, and every two seconds while something is wrong. */
export function openScanGuard(options: ScanGuardOptions): ScanGuard {
  const { log, now = Date.now, checkMs = CHECK_MS, retryMs = RETRY_MS } = options;
  const ended = new AbortController();
  const listeners: ((state: GuardState) => void)[] = [];
  let state: GuardState = { isReady: false, why: 'not checked yet', isUntrusted: false };
  let checkedLimitsOf: string | undefined;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    let found: GuardState;
    try {
      found = await examine();
    } catch (error) {
      if (ended.signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      found = { isReady: false, why, isUntrusted: false };
    }
    if (!found.isReady) checkedLimitsOf = undefined;
    change(found);
  }

  async function examine(): Promise<GuardState> {
    const signatures = await options.identify();
    const limit = AbortSignal.any([ended.signal, AbortSignal.timeout(CANARY_LIMIT_MS)]);
    if (!(await sings(options.scanner, limit))) return untrusted('the canary was not found');
    if (signatures.kind === 'official' && signatures.madeAt === undefined) {
      return untrusted('the signatures do not say how old they are');
    }
    const ageMs = signatures.madeAt === undefined ? 0 : now() - signatures.madeAt.getTime();
    if (ageMs > MAX_SIGNATURE_AGE_MS) return untrusted('the signatures are older than 7 days');
    if (signatures.kind === 'test-only' && !options.allowTestSignatures) {
      return untrusted('there are only test signatures, and SCAN_TEST_SIGNATURES does not allow them');
    }
    if (checkedLimitsOf !== signatures.version) {
      const longer = AbortSignal.any([ended.signal, AbortSignal.timeout(SELF_CHECK_LIMIT_MS)]);
      const exceeded = await exceededLimits(options.scanner, options.maxBytes, longer);
      if (exceeded.length > 0) return untrusted(`clamd reads less than we accept: ${exceeded.join('; ')}`);
      checkedLimitsOf = signatures.version;
    }
    return { isReady: true, signatures };
  }

  function change(found: GuardState): void {
    const isNews = found.isReady !== state.isReady || (!found.isReady && !state.isReady && found.why !== state.why);
    state = found;
    if (!isNews) return;
    if (found.isReady) log.info({ signatures: found.signatures }, 'the scanner is ready');
    else log.warn({ why: found.why }, 'the scanner is not ready: uploads wait in quarantine');
    for (const listener of listeners) listener(found);
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
      clearTimeout(timer);
      if (!ended.signal.aborted) timer = setTimeout(() => void lookOnce(), state.isReady ? checkMs : retryMs);
    });
    return looking;
  }

  void lookOnce();
  return {
    get state() {
      return state;
    },
    onChange(listener) {
      listeners.push(listener);
    },
    async isScannerWell() {
      await lookOnce();
      return state.isReady;
    },
    async close() {
      ended.abort();
      clearTimeout(timer);
      await looking;
    },
  };
}

function untrusted(why: string): GuardState {
  return { isReady: false, why, isUntrusted: true };
}
