import type { FilePolicy } from '#uploads/file-policy.ts';
import type { Refusal } from '#uploads/inspect/refusal.ts';
import type { UnpackBudget } from '#uploads/inspect/unpack-budget.ts';

/** What all archives inside one upload share. */
export interface ArchiveContext {
  policy: FilePolicy;
  budget: UnpackBudget;
  /** Said only when the scanner has found nothing worse. */
  defer: (refusal: Refusal) => void;
  /** Looks into one file inside an archive; if it is an archive itself, one level deeper. */
  inspectMember: (
    name: string,
    source: AsyncIterable<Buffer>,
    context: ArchiveContext,
    depth: number,
    isDirectory?: boolean,
  ) => Promise<void>;
}
