import type { Signatures } from '#uploads/status.ts';

/** What stands behind a "nothing found". */
export interface SignatureState {
  kind: Signatures;
  /** Changes with every update of the database. */
  version: string;
  /** When the database was made; undefined for test signatures, which have no date. */
  madeAt: Date | undefined;
}

/**
 * Reads clamd's answer to VERSION: `ClamAV 1.4.6/27450/Tue Nov 24 08:05:31 2026` with official signatures, and no more
 * than `ClamAV 1.4.6` without; `fingerprint` then tells one set of test signatures from another.
 */
export function signatureStateOf(answer: string, fingerprint = ''): SignatureState {
  const official = /^ClamAV ([\w.+-]+)\/(\d+)\/(.+)$/.exec(answer);
  if (official === null) return { kind: 'test-only', version: `${answer} ${fingerprint}`.trim(), madeAt: undefined };
  const [, engine, database, date = ''] = official;
  const madeAt = new Date(`${date} UTC`);
  return {
    kind: 'official',
    version: `${engine}/${database} ${fingerprint}`.trim(),
    madeAt: Number.isNaN(madeAt.getTime()) ? undefined : madeAt,
  };
}
