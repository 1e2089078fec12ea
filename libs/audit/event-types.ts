export type Severity = 'info' | 'notice' | 'warning' | 'critical';

/** Every type of security event there is, with its severity. */
export const eventTypes = {
  'board.acted': 'notice',
  'board.refused': 'warning',
  'limit.hit': 'notice',
  'login.failed': 'notice',
  'login.locked': 'warning',
  'login.succeeded': 'info',
  'password.changed': 'notice',
  'password.failed': 'notice',
  'receipt.refused': 'warning',
  'receipt.replayed': 'notice',
  'refresh.reused': 'critical',
  'reset.issued': 'notice',
  'scanner.failed': 'critical',
  'scanner.recovered': 'notice',
  'session.ended': 'info',
  'session.foreign': 'warning',
  'signing-key.created': 'notice',
  'signing-key.retired': 'warning',
  'step-up.failed': 'notice',
  'step-up.passed': 'info',
  'token.created': 'notice',
  'token.ended': 'notice',
  'upload.deleted': 'notice',
  'upload.failed': 'warning',
  'upload.infected': 'critical',
  'upload.refused': 'warning',
  'upload.tampered': 'critical',
  'user.changed': 'notice',
  'user.created': 'notice',
  'user.disabled': 'notice',
  'user.enabled': 'notice',
} as const satisfies Record<string, Severity>;

export type SecurityEventType = keyof typeof eventTypes;
