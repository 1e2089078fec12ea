/** Tables that grow for as long as the system runs, or with the number of people. */
export const growingTables = [
  'api_token',
  'app_user',
  'audit_context',
  'audit_seal',
  'limiter_counter',
  'message_status',
  'password_reset',
  'refresh_token',
  'security_event',
  'upload',
  'user_session',
  'webhook_effect',
  'webhook_event',
  'webhook_log',
] as const;

/** Tables that may be read through, and why they stay small. */
export const boundedTables: Record<string, string> = {
  audit_alert: 'one row for each rule and what it is about',
  audit_cursor: 'one row for each reader of the trail',
  audit_policy: 'one row',
  audit_verification: 'two rows',
  process_heartbeat: 'one row for each process that runs, or ran lately',
  schema_migration: 'one row for each migration',
  signing_key: 'one row a month, and a sweep',
  sweep_run: 'one row for each sweep',
};
