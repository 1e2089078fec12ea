import { z } from 'zod';
import { integer } from '#runtime/config.ts';

const MIB = 1024 * 1024;
/** clamd reads 60 MiB of a stream (clamd-config.ts); what we take stays 1 MiB below. */
const LARGEST_MAX_BYTES = 59 * MIB;

export const uploadSettings = {
  UPLOAD_MAX_BYTES: integer(1, LARGEST_MAX_BYTES).default(25 * MIB),
  /** Of one user's files that are kept. */
  UPLOAD_QUOTA_BYTES: integer(1, 999_999_999_999_999).default(1024 * MIB),
  UPLOADS_PER_HOUR: integer(1, 1_000_000_000).default(60),
  /** Of everything that waits for its verdict. */
  QUARANTINE_MAX_BYTES: integer(1, 999_999_999_999_999).default(5 * 1024 * MIB),
};

export const scanSettings = {
  UPLOAD_MAX_BYTES: uploadSettings.UPLOAD_MAX_BYTES,
  /** Whether files may be called clean that only test signatures have seen. */
  SCAN_TEST_SIGNATURES: z.enum(['allow', 'deny']).default('deny'),
};

export interface UploadLimits {
  maxBytes: number;
  quotaBytes: number;
  perHour: number;
  quarantineBytes: number;
}
