import { whileTraced, type Traces } from '#runtime/traces.ts';
import type { Journal } from '#webhooks/journal.ts';

/** A journal whose commits show in the trace of their request. */
export function traceJournal(journal: Journal, traces: Traces | undefined): Journal {
  if (traces === undefined) return journal;
  return {
    get waiting() {
      return journal.waiting;
    },
    append: (draft) =>
      whileTraced(
        [
          traces.start('journal commit', {
            kind: 'internal',
            parent: draft.traceparent,
            attributes: { 'portcullis.receipt': draft.id },
          }),
        ],
        () => journal.append(draft),
      ),
    drain: () => journal.drain(),
  };
}
