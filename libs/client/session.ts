import { askUntilAnswered } from './ask-until-answered.ts';
import { openCoolDown } from './cool-down.ts';
import { grantOf, type Grant } from './grant.ts';
import type { Platform } from './platform.ts';
import { openRefreshGrace } from './refresh-grace.ts';
import type { RefreshOutcome, Tokens } from './refresh-answer.ts';
import { delayed, personChanged, signedOut } from './session-problem.ts';
import type { ServerClock } from './server-clock.ts';
import { openTabs, type TabNotice } from './tabs.ts';
import { tryLock } from './try-lock.ts';
import type { Vault } from './vault.ts';

export interface SessionParts {
  /** Tells apart clients that share a browser. */
  name: string;
  platform: Platform;
  clock: ServerClock;
  vault: Vault;
  /** Whether a cookie that nobody can see may sign us in. */
  hasCookie: boolean;
  /** Whether other tabs have the same session. */
  isShared: boolean;
  /** Asks the server once. Rejects where there is no answer. */
  ask: (grant: Grant | undefined, signal: AbortSignal) => Promise<RefreshOutcome>;
  onSignedIn: () => void;
  onSignedOut: (reason: string) => void;
}

export interface Session {
  /** What a request may be done with; refreshed first where it has expired. @throws ClientProblem */
  current(): Promise<Grant>;
  /** What replaces a grant that the server refused, of the same person. @throws ClientProblem */
  replace(refused: Grant): Promise<Grant>;
  /** A new sign-in. */
  begin(tokens: Tokens): void;
  /** Forgets the session, here and in other tabs; a refresh under way changes nothing any more. @returns what was forgotten */
  end(reason: string): Grant | undefined;
  close(): void;
}

const LOCK_LIMIT_MS = 2_000;

/** One session of one tab: one refresh at a time, and a sign-out always wins against it. */
export function openSession(parts: SessionParts): Session {
  const { name, platform, clock, vault, hasCookie, isShared, ask } = parts;
  const coolDown = openCoolDown(platform);
  /** Raised by every sign-in and sign-out: what began before may not commit after. */
  let epoch = 0;
  let flight: { promise: Promise<Grant>; abort: AbortController } | undefined;
  const presentNow = openRefreshGrace(platform.now);
  let lastHeld: string | undefined;
  let isOut = isWithout();

  const tabs = isShared ? openTabs(platform, `portcullis ${name}`, hear) : undefined;
  const stopWaking = platform.onWake(() => coolDown.wake());

  function held(): Grant | undefined {
    const grant = vault.read();
    if (grant !== undefined && grant.accessToken !== lastHeld) {
      lastHeld = grant.accessToken;
      // Its times were told by the clock of whoever wrote it.
      clock.offsetMs = grant.offsetMs;
    }
    return grant;
  }

  function isWithout(): boolean {
    return !hasCookie && held() === undefined;
  }

  function nextEpoch(): void {
    epoch += 1;
    flight?.abort.abort();
    flight = undefined;
    coolDown.end();
  }

  function forget(reason: string): Grant | undefined {
    const grant = held();
    const wasOut = isOut;
    nextEpoch();
    vault.write(undefined);
    isOut = true;
    if (!wasOut) parts.onSignedOut(reason);
    return grant;
  }

  function end(reason: string): Grant | undefined {
    const grant = forget(reason);
    if (grant?.sessionId !== undefined) tabs?.tell({ type: 'signed-out', sessionId: grant.sessionId, reason });
    return grant;
  }

  function hear(notice: TabNotice): void {
    if (notice.type === 'signed-out') {
      const mine = held();
      const isMine = mine === undefined ? !hasCookie : mine.sessionId === notice.sessionId;
      if (isMine) forget(notice.reason);
      return;
    }
    if (notice.type === 'refreshed') {
      coolDown.wake();
      return;
    }
    // Whoever signed in may be somebody else: what is held here belongs to the session before.
    nextEpoch();
    if (hasCookie) vault.write(undefined);
    isOut = isWithout();
    parts.onSignedIn();
  }

  function refresh(): Promise<Grant> {
    if (flight !== undefined) return flight.promise;
    if (coolDown.problem !== undefined) return Promise.reject(delayed(coolDown.problem));
    const abort = new AbortController();
    const promise = attempt(epoch, held(), abort).finally(() => {
      if (flight?.abort === abort) flight = undefined;
    });
    flight = { abort, promise };
    return promise;
  }

  /** Where nobody waits for it. */
  function refreshSoon(): void {
    refresh().catch(() => undefined);
  }

  function attempt(startedIn: number, stale: Grant | undefined, abort: AbortController): Promise<Grant> {
    const lock = { name: `portcullis ${name}`, limitMs: LOCK_LIMIT_MS, after: platform.after };
    return tryLock(isShared ? platform.locks : undefined, lock, async (isAlone) => {
      const grant = held();
      // Another tab was faster.
      const isReplaced = (): boolean => {
        const now = held();
        return now !== undefined && now.accessToken !== stale?.accessToken && isFresh(now);
      };
      const mayRepeat = presentNow(grant?.accessToken);
      const outcome = isReplaced()
        ? undefined
        : await askUntilAnswered({
            after: platform.after,
            ask: (signal) => ask(grant, signal),
            abort,
            mayRepeat: () => isAlone && mayRepeat(),
            isReplaced,
          });
      const isLate = epoch !== startedIn || (!hasCookie && held()?.sessionId !== stale?.sessionId);
      if (isLate) throw isOut || isWithout() ? signedOut('signed-out') : personChanged();
      return outcome === undefined ? (held() as Grant) : commit(outcome);
    });
  }

  function commit(outcome: RefreshOutcome): Grant {
    if (outcome.kind === 'ended') {
      end(outcome.reason);
      throw signedOut(outcome.reason);
    }
    if (outcome.kind === 'delayed') {
      // Whether the server took it is not known: asked again soon, it answers the same.
      coolDown.begin(outcome.problem, refreshSoon);
      throw delayed(outcome.problem);
    }
    coolDown.end();
    const grant = grantOf(outcome.tokens, clock, platform.random);
    const before = held();
    vault.write(grant);
    tabs?.tell({ type: 'refreshed' });
    // The cookie was another one: somebody signed in where we could not hear of it.
    if (before !== undefined && before.userId !== grant.userId) parts.onSignedIn();
    return grant;
  }

  const isFresh = (grant: Grant): boolean => clock.now() < grant.expiresAtMs;

  return {
    async current() {
      if (isOut && (hasCookie || isWithout())) throw signedOut('signed-out');
      const grant = held();
      if (grant === undefined || !isFresh(grant)) return refresh();
      if (clock.now() >= grant.refreshAtMs) refreshSoon();
      return grant;
    },
    async replace(refused) {
      const grant = held();
      if (grant === undefined && isOut) throw signedOut('signed-out');
      const next = grant !== undefined && grant.accessToken !== refused.accessToken ? grant : await refresh();
      if (next.userId !== refused.userId) throw personChanged();
      return next;
    },
    begin(tokens) {
      nextEpoch();
      isOut = false;
      vault.write(grantOf(tokens, clock, platform.random));
      tabs?.tell({ type: 'signed-in' });
      parts.onSignedIn();
    },
    end,
    close() {
      stopWaking();
      coolDown.end();
      tabs?.close();
    },
  };
}
