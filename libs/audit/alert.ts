import { defineEntity, p } from '@mikro-orm/core';
import type { Queryable } from '#database/pool.ts';
import { alertRules, type Alarm, type AlertRule } from '#audit/alert-rules.ts';
import type { RecordEvents, SecurityEvent } from '#audit/record.ts';

/** What somebody should look at, from when it was first seen until it is over (table audit_alert). */
export const AlertEntity = defineEntity({
  name: 'Alert',
  tableName: 'audit_alert',
  properties: {
    rule: p.text().primary(),
    subject: p.text().primary(),
    severity: p.text(),
    raisedAt: p.datetime(),
    seenAt: p.datetime(),
    clearedAt: p.datetime().nullable(),
    details: p.json(),
  },
});

export interface AlertChanges {
  raised: Alarm[];
  cleared: { rule: AlertRule; subject: string }[];
}

/** One lock for all who decide on alerts; any constant will do. */
const ALERT_LOCK = 4_000_246;
/** An alert that came from an act, and not from a state, is over when the act was not repeated for so long. */
const QUIET_HOURS = 1;

const ACTIVE = 'select rule, subject from audit_alert where cleared_at is null';

const RAISE = `
  insert into audit_alert as a (rule, subject, severity, raised_at, seen_at, details)
  select rule, subject, severity, now(), now(), details
  from jsonb_to_recordset($1::jsonb) as alarm (rule text, subject text, severity text, details jsonb)
  on conflict (rule, subject) do update set
    raised_at = case when a.cleared_at is null then a.raised_at else excluded.raised_at end,
    seen_at = excluded.seen_at, cleared_at = null, severity = excluded.severity, details = excluded.details`;

const CLEAR = `
  update audit_alert set cleared_at = now()
  where cleared_at is null
    and ((rule = any($1) and not exists (
        select from jsonb_to_recordset($2::jsonb) as alarm (rule text, subject text)
        where alarm.rule = audit_alert.rule and alarm.subject = audit_alert.subject))
      or (not rule = any($3) and seen_at < now() - make_interval(hours => ${QUIET_HOURS})))
  returning rule, subject`;

/** Cleared ones are kept for a while, for whoever asks what there was. */
const FORGET = "delete from audit_alert where cleared_at < now() - interval '30 days'";

/**
 * Raises alerts for what acts have shown; those that are active already are only seen again. Call it in a transaction:
 * alerts and their events commit with whatever else it does.
 */
export async function raiseAlerts(
  client: Queryable,
  record: RecordEvents,
  alarms: readonly Alarm[],
): Promise<AlertChanges> {
  if (alarms.length === 0) return { raised: [], cleared: [] };
  await client.query('select pg_advisory_xact_lock($1)', [ALERT_LOCK]);
  const raised = await raise(client, alarms);
  await record(client, raised.map(raisedEvent));
  return { raised, cleared: [] };
}

/**
 * Makes the active alerts of the given rules those that hold now, and clears what acts have shown long ago. Call it in a
 * transaction.
 * @param standing rules that tell of a state; the others tell of acts.
 * @param judged those of them that could be looked at this time.
 */
export async function settleAlerts(
  client: Queryable,
  record: RecordEvents,
  {
    standing,
    judged,
    alarms,
  }: { standing: readonly AlertRule[]; judged: readonly AlertRule[]; alarms: readonly Alarm[] },
): Promise<AlertChanges> {
  await client.query('select pg_advisory_xact_lock($1)', [ALERT_LOCK]);
  const raised = await raise(client, alarms);
  const { rows: cleared } = await client.query<{ rule: AlertRule; subject: string }>(CLEAR, [
    judged,
    JSON.stringify(alarms),
    standing,
  ]);
  await client.query(FORGET);
  await record(client, [
    ...raised.map(raisedEvent),
    ...cleared.map(({ rule, subject }) => eventOf('alert.cleared', { rule, subject })),
  ]);
  return { raised, cleared };
}

async function raise(client: Queryable, alarms: readonly Alarm[]): Promise<Alarm[]> {
  const unique = [...new Map(alarms.map((alarm) => [keyOf(alarm), alarm])).values()];
  if (unique.length === 0) return [];
  const { rows } = await client.query<{ rule: string; subject: string }>(ACTIVE);
  const active = new Set(rows.map(keyOf));
  const written = unique.map((alarm) => ({ details: {}, ...alarm, severity: alertRules[alarm.rule] }));
  await client.query(RAISE, [JSON.stringify(written)]);
  return unique.filter((alarm) => !active.has(keyOf(alarm)));
}

const keyOf = ({ rule, subject }: { rule: string; subject: string }): string => `${rule}\0${subject}`;

const raisedEvent = (alarm: Alarm): SecurityEvent => eventOf('alert.raised', alarm);

function eventOf(type: 'alert.raised' | 'alert.cleared', { rule, subject, details }: Alarm): SecurityEvent {
  return {
    type,
    actorKind: 'system',
    targetKind: 'alert',
    targetId: rule,
    details: { ...details, subject, severity: alertRules[rule] },
  };
}

export interface ActiveAlert {
  rule: AlertRule;
  subject: string;
  severity: string;
  raisedAt: Date;
  details: Record<string, string | number | boolean | null>;
}

/** The alerts that hold now, the gravest and then the newest first; at most 100. */
export async function activeAlerts(client: Queryable): Promise<ActiveAlert[]> {
  const { rows } = await client.query<ActiveAlert>(`
    select rule, subject, severity, raised_at as "raisedAt", details from audit_alert
    where cleared_at is null order by severity <> 'critical', raised_at desc limit 100`);
  return rows;
}
