import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';

/** What one upload may unpack to, through all the archives inside it. */
export interface UnpackBudget {
  addEntry(): void;
  /** Counts bytes of one member as they come out. */
  openMember(packedBytes: number): { grew(bytes: number): void };
}

export function openUnpackBudget(): UnpackBudget {
  const { entries: maxEntries, memberBytes, unpackedBytes, ratio, ratioFloorBytes } = inspectionLimits;
  let entries = 0;
  let total = 0;
  return {
    addEntry() {
      entries += 1;
      if (entries > maxEntries) throw limit(`more than ${maxEntries} entries`);
    },
    openMember(packedBytes) {
      let size = 0;
      return {
        grew(bytes) {
          size += bytes;
          total += bytes;
          if (size > memberBytes) throw limit(`an entry of more than ${memberBytes} bytes`);
          if (total > unpackedBytes) throw limit(`more than ${unpackedBytes} bytes in all`);
          if (size > ratioFloorBytes && size > packedBytes * ratio)
            throw limit(`more than ${ratio} times its packed size`);
        },
      };
    },
  };
}

function limit(detail: string): Refusal {
  return new Refusal('archive-limits', detail);
}
