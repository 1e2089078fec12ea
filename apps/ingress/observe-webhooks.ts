import type { Coalescer } from '#audit/coalesce.ts';
import type { IngressMetrics } from './metrics.ts';
import type { WebhookObserver } from './webhook-door.ts';

/** Counts what the webhook door does, and has refusals recorded: equal ones of a minute as one security event. */
export function observeWebhooks(
  metrics: IngressMetrics['webhooks'],
  coalescer: Pick<Coalescer, 'add'>,
): WebhookObserver {
  return {
    ...metrics,
    refused({ source, reason, addressPrefix }) {
      coalescer.add({
        type: 'receipt.refused',
        actorKind: 'anonymous',
        source,
        addressPrefix,
        details: { reason },
      });
    },
    limited({ source, policy, addressPrefix }) {
      metrics.received(source, 'limited');
      coalescer.add({ type: 'limit.hit', actorKind: 'anonymous', source, addressPrefix, details: { policy } });
    },
  };
}
