import { Failure, isFailure } from '#runtime/failure.ts';
import { openDeadlines } from '#runtime/deadlines.ts';
import { APPEND_LIMIT_MS, type Journal } from '#webhooks/journal.ts';
import type { Spool } from '#webhooks/spool/spool.ts';

/** How long the database may take before a receipt goes to the spool: what is left must do for that. */
const JOURNAL_LIMIT_MS = 700;

export interface SpoolingJournal extends Journal {
  /** Whether receipts go to the spool without asking the database first. */
  readonly isAway: boolean;
  /** The database has taken something: the next receipt is offered to it again. */
  takenByDatabase(): void;
}

export interface SpoolingJournalOptions {
  journal: Journal;
  spool: Spool;
  /** Whether this source's receipts may go to the spool; those of others are refused while the database is away. */
  isSpooled: (source: string) => boolean;
  onSpooled: (source: string) => void;
}

/** The journal, or for some sources the spool while the journal can't commit. */
export function openSpoolingJournal({ journal, spool, isSpooled, onSpooled }: SpoolingJournalOptions): SpoolingJournal {
  let isAway = false;
  const deadlines = openDeadlines(JOURNAL_LIMIT_MS);
  return {
    get waiting() {
      return journal.waiting;
    },
    get isAway() {
      return isAway;
    },
    takenByDatabase() {
      isAway = false;
    },
    async append(draft) {
      if (!isSpooled(draft.source)) return journal.append(draft);
      const startedAt = performance.now();
      if (!isAway) {
        try {
          return await deadlines.within(journal.append(draft), 'database-unavailable');
        } catch (error) {
          if (!isFailure(error, 'database-unavailable') && !isFailure(error, 'journal-full')) throw error;
          isAway = true;
        }
      }
      const leftMs = APPEND_LIMIT_MS - (performance.now() - startedAt);
      if (leftMs <= 0) throw new Failure('journal-full', { detail: 'no time was left for the spool' });
      const stored = await spool.add(draft, leftMs);
      onSpooled(draft.source);
      return stored;
    },
    drain: () => journal.drain(),
  };
}
