import { Counter, type Registry } from 'prom-client';
import { alertRules, type AlertRule } from '#audit/alert-rules.ts';

export interface AlertMetrics {
  sealed: (events: number) => void;
  raised: (rule: AlertRule) => void;
}

/** Counts what this worker has sealed and whom it has alerted of; what holds now is told by the board. */
export function openAlertMetrics(registry: Registry): AlertMetrics {
  const sealed = new Counter({
    name: 'portcullis_sealed_events_total',
    help: 'Security events that were sealed.',
    registers: [registry],
  });
  const raised = new Counter({
    name: 'portcullis_alerts_raised_total',
    help: 'Alerts that were raised, by rule.',
    labelNames: ['rule'],
    registers: [registry],
  });
  for (const rule of Object.keys(alertRules)) raised.inc({ rule }, 0);
  return { sealed: (events) => sealed.inc(events), raised: (rule) => raised.inc({ rule }) };
}
