import type { Log } from '#runtime/log.ts';

const MAX_KINDS = 32;

/**
 * Logs the first of equal errors at once, and then at most one line per `everyMs` that says how many were left out: a
 * store that is away makes the same error several times a second.
 */
export function openErrorLog(
  log: Log,
  text: string,
  { everyMs = 30_000, now = Date.now }: { everyMs?: number; now?: () => number } = {},
): (error: unknown) => void {
  const kinds = new Map<string, { loggedAtMs: number; leftOut: number }>();
  return (error) => {
    const kind = kindOf(error);
    const seen = kinds.get(kind);
    if (seen !== undefined && now() - seen.loggedAtMs < everyMs) {
      seen.leftOut += 1;
      return;
    }
    if (kinds.size >= MAX_KINDS) kinds.clear();
    kinds.set(kind, { loggedAtMs: now(), leftOut: 0 });
    log.warn({ err: error, leftOut: seen?.leftOut ?? 0 }, text);
  };
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return `${code} ${error.message}`.replace(/\d+/g, 'n');
}
