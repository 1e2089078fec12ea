import type { Pool } from '#database/pool.ts';
import type { Log } from '#runtime/log.ts';
import type { Traces } from '#runtime/traces.ts';
import type { Breakdowns } from '#uploads/breakdowns.ts';
import type { Checkpoint } from '#uploads/checkpoint.ts';
import type { Inspector } from '#uploads/inspector.ts';
import type { RecordUploadEvents } from '#uploads/record.ts';
import type { ScanGuard } from '#uploads/scan-guard.ts';
import type { Scanner } from '#uploads/scanner.ts';
import type { Storage } from '#uploads/storage.ts';
import type { AuthoriseAttachment } from '#uploads/ticket-check.ts';
import type { AnnounceVerdicts } from '#uploads/verdict.ts';

/** What scanning an upload needs. */
export interface ScanParts {
  pool: Pool;
  storage: Storage;
  inspector: Inspector;
  scanner: Scanner;
  guard: ScanGuard;
  /** Undefined where nobody minds a file that the scanner dies of. */
  breakdowns?: Breakdowns | undefined;
  authorise: AuthoriseAttachment;
  record: RecordUploadEvents;
  /** Undefined where nobody wants to know of verdicts. */
  announce?: AnnounceVerdicts | undefined;
  log: Log;
  checkpoint?: Checkpoint;
  /** Called with each verdict and how long it took. */
  onVerdict?: (status: string, seconds: number) => void;
  traces?: Traces | undefined;
}
