import type { Severity } from '#audit/event-types.ts';

/** Everything that somebody is alerted of, and how grave it is. */
export const alertRules = {
  'chain-broken': 'critical',
  'clock-skewed': 'warning',
  'forward-failing': 'warning',
  'login-attacked': 'critical',
  'login-locked': 'warning',
  'login-sprayed': 'warning',
  'receipts-late': 'critical',
  'refresh-reused': 'critical',
  'rows-dead': 'warning',
  'scanner-away': 'critical',
  'seals-late': 'warning',
  'secret-drifted': 'critical',
  'sweep-overdue': 'warning',
  'upload-failed': 'warning',
  'upload-infected': 'critical',
  'upload-tampered': 'critical',
} as const satisfies Record<string, Severity>;

export type AlertRule = keyof typeof alertRules;

/** One reason for an alert; the same rule and subject are one alert for as long as it lasts. */
export interface Alarm {
  rule: AlertRule;
  /** What it is about: a source, a session, a table. */
  subject: string;
  details?: Record<string, string | number | boolean | null>;
}
