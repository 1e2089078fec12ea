import type { EventHandler } from '#webhooks/handler.ts';
import { ownSource } from '#webhooks/insert-own-events.ts';
import { handlersOf as shippedHandlersOf, type HandlersParts } from '../../../apps/worker/handlers.ts';
import { keyIn, POISON } from '#testing/chaos/message.ts';

const BLOCK_MS = 60_000;

/** A row for each time that an event takes effect: nothing in the table keeps a second one out. */
const ledger: EventHandler = {
  name: 'chaos-ledger',
  wants: () => true,
  async apply(client, { source, key, raw }) {
    const text = JSON.stringify(raw);
    // At once and with nothing put in order; 70 is a code that is not held against the worker.
    if (text.includes(POISON.kills)) process.exit(70);
    if (text.includes(POISON.fills)) fillMemory();
    if (text.includes(POISON.blocks)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
    if (text.includes(POISON.throws)) throw new Error(POISON.throws);
    await client.query('insert into chaos_effect (key) values ($1)', [
      source === ownSource ? `upload:${key}` : keyIn(text),
    ]);
  },
};

function fillMemory(): never {
  const kept: number[][] = [];
  while (true) kept.push(Array.from({ length: 1_000_000 }, () => kept.length));
}

/** What the worker hands events to: the shipped handlers and the counting one. */
export function handlersOf(parts: HandlersParts): EventHandler[] {
  return [ledger, ...shippedHandlersOf(parts)];
}
