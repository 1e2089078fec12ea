import { url } from '#runtime/config.ts';
import { signingSecret } from '#webhooks/signing-key.ts';

export const auditSettings = {
  /** Where every sealed security event is posted to; nowhere if unset. */
  AUDIT_URL: url('http', 'https').optional(),
  AUDIT_SECRET: signingSecret.optional(),
  /** Where alerts are posted to, when they begin and when they end; nowhere if unset. */
  ALERT_URL: url('http', 'https').optional(),
  ALERT_SECRET: signingSecret.optional(),
};
