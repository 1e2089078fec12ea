import type { EventHandler } from '#webhooks/handler.ts';
import { ownSource } from '#webhooks/insert-own-events.ts';
import { handlersOf as shippedHandlersOf, type HandlersParts } from '../../../apps/worker/handlers.ts';
import { keyIn, POISON } from '#testing/chaos/message.ts';

/** A row for each time that an event takes effect: nothing in the table keeps a second one out. */
const ledger: EventHandler = {
  name: 'chaos-ledger',
  wants: () => true,
  async apply(client, { source, key, raw }) {
    const text = JSON.stringify(raw);
    // At once and with nothing put in order, as a lack of memory ends it; 70 is a code that is not held against the worker.
    if (text.includes(POISON.kills)) process.exit(70);
    if (text.includes(POISON.throws)) throw new Error('poison');
    await client.query('insert into chaos_effect (key) values ($1)', [
      source === ownSource ? `upload:${key}` : keyIn(text),
    ]);
  },
};

/** What the worker hands events to: the shipped handlers and the counting one. */
export function handlersOf(parts: HandlersParts): EventHandler[] {
  return [ledger, ...shippedHandlersOf(parts)];
}
