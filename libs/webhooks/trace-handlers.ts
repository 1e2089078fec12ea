import { whileTraced, type Span, type Traces } from '#runtime/traces.ts';
import type { EventHandler, StoredEvent } from '#webhooks/handler.ts';

/** Handlers whose work shows in the trace of the request that brought the event; they see their own span's `traceparent`. */
export function traceHandlers(handlers: readonly EventHandler[], traces: Traces | undefined): readonly EventHandler[] {
  if (traces === undefined) return handlers;
  const begin = (name: string, event: StoredEvent): Span =>
    traces.start(`effect ${name}`, {
      kind: 'client',
      parent: event.traceparent,
      attributes: { 'portcullis.event': event.id, 'portcullis.event_type': event.type },
    });
  return handlers.map((handler): EventHandler => {
    const { name } = handler;
    const wants = (type: string): boolean => handler.wants(type);
    if ('apply' in handler) {
      return {
        name,
        wants,
        apply(client, event) {
          const span = begin(name, event);
          return whileTraced([span], () => handler.apply(client, { ...event, traceparent: span.traceparent }));
        },
      };
    }
    return {
      name,
      wants,
      call(event, signal) {
        const span = begin(name, event);
        return whileTraced([span], () => handler.call({ ...event, traceparent: span.traceparent }, signal));
      },
    };
  });
}
