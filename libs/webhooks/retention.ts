import { ConfigError, environment, integer, valueOf, type Environment } from '#runtime/config.ts';
import { perSourceSettings, settingOf } from '#webhooks/source-settings.ts';

export const retentionSettings = {
  /** Days that receipts and events are kept; never less than Meta may send again. */
  WEBHOOK_RETENTION_DAYS: integer(8, 3_650).default(30),
};

/** How many days a source's receipts, events and message statuses are kept. */
export type RetentionDaysOf = (source: string) => number;

const PREFIX = 'WEBHOOK_RETENTION_DAYS_';

/**
 * Reads WEBHOOK_RETENTION_DAYS_<S>; for sources without one `fallback` counts. Rows outlive the source that they came from, so a setting of
 * a source that is declared no more still counts.
 * @throws ConfigError
 */
export function readRetention(fallback: number, env: Environment = environment()): RetentionDaysOf {
  const faults: string[] = [];
  const own = new Map<string, number>();
  const names = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.replace(/_FILE$/, ''));
  for (const name of new Set(names)) {
    const days = perSourceSettings.WEBHOOK_RETENTION_DAYS.safeParse(valueOf(name, env, faults));
    if (!days.success) faults.push(...days.error.issues.map(({ message }) => `${name}: ${message}`));
    else if (days.data !== undefined) own.set(name, days.data);
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return (source) => own.get(settingOf('WEBHOOK_RETENTION_DAYS', source)) ?? fallback;
}
