/** Counts how often in a row the scanner has broken down while this process had an upload scanned. */
export interface Breakdowns {
  /** @returns how often, this time included. */
  add(uploadId: string): number;
  forget(uploadId: string): void;
}

/** Uploads that other processes have brought to an end are never forgotten otherwise. */
const MAX_UPLOADS = 1_000;

export function openBreakdowns(): Breakdowns {
  const counts = new Map<string, number>();
  return {
    add(uploadId) {
      const count = (counts.get(uploadId) ?? 0) + 1;
      counts.delete(uploadId);
      counts.set(uploadId, count);
      const [oldest] = counts.keys();
      if (counts.size > MAX_UPLOADS && oldest !== undefined) counts.delete(oldest);
      return count;
    },
    forget(uploadId) {
      counts.delete(uploadId);
    },
  };
}
