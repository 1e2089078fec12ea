import { integer } from '#runtime/config.ts';

const MEGABYTE = 1_048_576;

export const spoolSettings = {
  /** What the local spool of one ingress may hold. */
  SPOOL_MAX_BYTES: integer(MEGABYTE, 1_048_576 * MEGABYTE).default(1_024 * MEGABYTE),
};
