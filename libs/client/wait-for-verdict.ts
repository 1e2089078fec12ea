import { pause } from './pause.ts';
import type { Platform } from './platform.ts';
import { ClientProblem, isPassing, pauseMsOf, problemFrom, problemOf } from './problem.ts';

export interface UploadState {
  id: string;
  ticketId: string;
  status: 'quarantined' | 'scanning' | 'clean' | 'infected' | 'rejected' | 'unscannable' | 'scan-failed' | 'expired';
  /** Why, as a code; null while it is open or clean. */
  reason: string | null;
  detail: string | null;
  originalName: string;
  size: number;
  sha256: string;
  type: string | null;
  verification: 'structure' | 'magic' | 'text-heuristic' | null;
  warnings: string[];
  signatures: 'official' | 'test-only' | null;
  createdAt: string;
  scannedAt: string | null;
}

export interface WaitOptions {
  signal?: AbortSignal;
  /** Each time that the status has changed. */
  onChange?: (state: UploadState) => void;
}

/** Without a state nothing has changed. */
interface Answer {
  state?: UploadState;
  etag?: string | undefined;
}

const WAIT_SECONDS = 20;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const OPEN = new Set(['quarantined', 'scanning']);

/** Long polls: an answer comes within milliseconds of a change, and one request every twenty seconds otherwise. */
export function openVerdicts({ platform, fetch }: { platform: Platform; fetch: typeof globalThis.fetch }) {
  async function ask(id: string, etag: string | undefined, signal: AbortSignal | undefined): Promise<Answer> {
    const response = await fetch(`/api/uploads/${encodeURIComponent(id)}`, {
      headers: { prefer: `wait=${WAIT_SECONDS}`, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      cache: 'no-store',
      signal: signal ?? null,
    });
    if (response.status === 304) return {};
    if (!response.ok) throw await problemOf(response);
    return { state: (await response.json()) as UploadState, etag: response.headers.get('etag') ?? undefined };
  }

  return async function waitForVerdict(id: string, { signal, onChange }: WaitOptions = {}): Promise<UploadState> {
    let etag: string | undefined;
    let faults = 0;
    while (true) {
      const answer = await ask(id, etag, signal).catch(problemFrom);
      if (answer instanceof ClientProblem) {
        if (!isPassing(answer)) throw answer;
        faults += 1;
        const ms = pauseMsOf(answer, FIRST_PAUSE_MS * 2 ** faults);
        await pause(platform, Math.min(ms, LONGEST_PAUSE_MS), signal);
        continue;
      }
      faults = 0;
      if (answer.state === undefined) continue;
      onChange?.(answer.state);
      if (!OPEN.has(answer.state.status)) return answer.state;
      ({ etag } = answer);
      // Without an ETag the server would answer at once, again and again.
      if (etag === undefined) await pause(platform, FIRST_PAUSE_MS, signal);
    }
  };
}
