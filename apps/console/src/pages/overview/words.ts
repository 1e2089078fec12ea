import type { AlertRule } from '#audit/alert-rules.ts';

const WORDS: Partial<Record<string, string>> = {
  'chain-broken': 'The chain of security events is broken',
  'clock-skewed': 'A clock is wrong',
  'forward-failing': 'Events can not be forwarded',
  'login-attacked': 'Sign-ins are under attack',
  'login-locked': 'Sign-ins of an account are locked',
  'login-sprayed': 'One network tries many accounts',
  'receipts-late': 'Receipts wait too long',
  'refresh-reused': 'A stolen refresh token was used',
  'rows-dead': 'Something could not be processed',
  'scanner-away': 'The virus scanner is away',
  'seals-late': 'Security events wait too long for their seal',
  'secret-drifted': 'All webhooks of a source are refused: its secret may have changed',
  'sweep-overdue': 'A sweep is overdue',
  'upload-failed': 'A file could not be scanned',
  'upload-infected': 'An infected file was destroyed',
  'upload-tampered': 'A stored file was changed',
} satisfies Partial<Record<AlertRule, string>>;

export function alertWords(rule: string, subject: string): string {
  const words = WORDS[rule] ?? rule;
  return subject === '' ? words : `${words}: ${subject}`;
}
