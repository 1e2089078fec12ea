import type { ReceiptDraft, StoredReceipt } from '#webhooks/receipt.ts';

/** Past it a copy gets an id of its own; the journal finds out later that it is one. */
const MAX_KEYS = 65_536;

/** Which receipts the spool holds, so that their copies are answered with the first one's id. */
export interface KnownKeys {
  note(draft: ReceiptDraft): void;
  forget(draft: ReceiptDraft): void;
  answerTo(draft: ReceiptDraft): StoredReceipt;
  clear(): void;
}

export function openKnownKeys(): KnownKeys {
  const ids = new Map<string, string>();
  return {
    note(draft) {
      const key = keyOf(draft);
      if (key !== undefined && !ids.has(key) && ids.size < MAX_KEYS) ids.set(key, draft.id);
    },
    forget(draft) {
      const key = keyOf(draft);
      if (key !== undefined && ids.get(key) === draft.id) ids.delete(key);
    },
    answerTo(draft) {
      const key = keyOf(draft);
      const id = key === undefined ? draft.id : (ids.get(key) ?? draft.id);
      return { id, isCopy: id !== draft.id };
    },
    clear: () => ids.clear(),
  };
}

function keyOf({ source, dedupeKey }: ReceiptDraft): string | undefined {
  return dedupeKey === undefined ? undefined : `${source} ${dedupeKey.toString('base64')}`;
}
