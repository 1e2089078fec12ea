export type Severity = 'info' | 'notice' | 'warning' | 'critical';

/** Every type of security event there is, with its severity. */
export const eventTypes = {
  'board.refused': 'warning',
  'board.acted': 'notice',
  'limit.hit': 'notice',
  'receipt.refused': 'warning',
  'receipt.replayed': 'notice',
  'user.created': 'notice',
} as const satisfies Record<string, Severity>;

export type SecurityEventType = keyof typeof eventTypes;
