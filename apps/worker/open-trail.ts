import { deviceLabels } from '#access/device-labels.ts';
import { raiseAlerts, settleAlerts, type AlertChanges } from '#audit/alert.ts';
import { addContext } from '#audit/event-context.ts';
import { followInside } from '#audit/follow.ts';
import { forwardEvents, type ForwardOptions } from '#audit/forward-events.ts';
import { judgeEvents } from '#audit/judge-events.ts';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { inTransaction, type Pool } from '#database/pool.ts';
import type { Log } from '#runtime/log.ts';
import type { Outbound } from '#runtime/outbound.ts';
import { signStandardWebhook } from '#webhooks/sign-standard-webhook.ts';
import type { AlertMetrics } from './alert-metrics.ts';
import type { WorkerConfig } from './settings.ts';
import { STANDING_RULES, standingAlarms } from './standing-alarms.ts';

const EVENTS_PER_STEP = 500;

export interface TrailParts {
  pool: Pool;
  outbound: Outbound;
  config: Pick<WorkerConfig, 'AUDIT_URL' | 'AUDIT_SECRET' | 'ALERT_URL' | 'ALERT_SECRET'>;
  metrics: AlertMetrics;
  log: Log;
}

/** What a worker does for the audit trail. Each act may run anywhere, at any time, several at once. */
export interface Trail {
  /** Seals what can be sealed, and does what follows from the events. */
  tend: (signal: AbortSignal) => Promise<void>;
  /** Sends the next events to whoever is named. @returns whether there may be more. */
  forward: (signal: AbortSignal) => Promise<boolean>;
  /** Looks at the state of everything, and raises and clears alerts. */
  judge: (signal: AbortSignal) => Promise<void>;
  /** Names of the cursors of the receivers. */
  receivers: readonly string[];
}

export function openTrail({ pool, outbound, config, metrics, log }: TrailParts): Trail {
  const receivers = receiversOf(config, outbound);

  function tell({ raised, cleared }: AlertChanges): void {
    for (const { rule, subject, details } of raised) {
      metrics.raised(rule);
      log.error({ rule, subject, details }, `alert: ${rule}`);
    }
    for (const { rule, subject } of cleared) log.info({ rule, subject }, `alert is over: ${rule}`);
  }

  async function judgeStep(): Promise<number> {
    let changes: AlertChanges = { raised: [], cleared: [] };
    const count = await followInside(pool, 'alerts', EVENTS_PER_STEP, async (client, events) => {
      const present = events.flatMap(({ event }) => (event === undefined ? [] : [event]));
      changes = await raiseAlerts(client, record, judgeEvents(present, Date.now()));
    });
    tell(changes);
    return count;
  }

  const contextStep = (): Promise<number> =>
    followInside(pool, 'context', EVENTS_PER_STEP, (client, events) => addContext(client, events, deviceLabels));

  return {
    receivers: receivers.map(({ name }) => name),

    async tend(signal) {
      for (const { eventCount } of await sealAll(pool, signal)) metrics.sealed(eventCount);
      for (const step of [judgeStep, contextStep]) while (!signal.aborted && (await step()) > 0);
    },

    async forward(signal) {
      let count = 0;
      for (const receiver of receivers) {
        try {
          count += await forwardEvents(pool, receiver, signal);
        } catch (error) {
          log.warn(
            { err: error, receiver: receiver.name },
            'security events could not be forwarded; tried again later',
          );
        }
      }
      return count > 0;
    },

    async judge() {
      const { judged, alarms } = await standingAlarms(pool, log);
      const changes = await inTransaction(pool, (client) =>
        settleAlerts(client, record, { standing: STANDING_RULES, judged, alarms }),
      );
      tell(changes);
    },
  };
}

function receiversOf(config: TrailParts['config'], outbound: Outbound): ForwardOptions[] {
  const { AUDIT_URL, AUDIT_SECRET, ALERT_URL, ALERT_SECRET } = config;
  const receivers: ForwardOptions[] = [];
  if (AUDIT_URL !== undefined && AUDIT_SECRET !== undefined) {
    const sign: ForwardOptions['sign'] = (message) => signStandardWebhook(AUDIT_SECRET, message);
    receivers.push({ name: 'forward', url: AUDIT_URL, sign, outbound });
  }
  if (ALERT_URL !== undefined && ALERT_SECRET !== undefined) {
    const sign: ForwardOptions['sign'] = (message) => signStandardWebhook(ALERT_SECRET, message);
    const wants = (type: string): boolean => type.startsWith('alert.');
    receivers.push({ name: 'alert-webhook', url: ALERT_URL, sign, outbound, wants });
  }
  return receivers;
}
