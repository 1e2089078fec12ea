import type { Alarm, AlertRule } from '#audit/alert-rules.ts';
import type { SecurityEventType } from '#audit/event-types.ts';
import type { ExportedEvent } from '#audit/read-sealed.ts';

/** Acts that are a reason for an alert by themselves. */
const ruleOf: Partial<Record<SecurityEventType, AlertRule>> = {
  'login.attacked': 'login-attacked',
  'login.locked': 'login-locked',
  'login.sprayed': 'login-sprayed',
  'refresh.reused': 'refresh-reused',
  'upload.failed': 'upload-failed',
  'upload.infected': 'upload-infected',
  'upload.tampered': 'upload-tampered',
};

/** After a long standstill nobody is alerted of what is long over. */
const MAX_AGE_MS = 86_400_000;

/** The alarms in a batch of events. */
export function judgeEvents(events: readonly ExportedEvent[], nowMs: number): Alarm[] {
  return events.flatMap((event) => {
    const rule = ruleOf[event.type as SecurityEventType];
    if (rule === undefined || nowMs - Date.parse(event.recordedAt) > MAX_AGE_MS) return [];
    const subject = event.targetId ?? event.source ?? event.addressPrefix ?? 'all';
    return [{ rule, subject, details: { eventId: event.id, addressPrefix: event.addressPrefix } }];
  });
}
