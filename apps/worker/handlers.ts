import { openForward } from '#webhooks/forward.ts';
import type { EventHandler } from '#webhooks/handler.ts';
import type { KeyObject } from 'node:crypto';
import type { Outbound } from '#runtime/outbound.ts';

export interface HandlersParts {
  config: { FORWARD_URL?: string | undefined; FORWARD_SECRET?: KeyObject | undefined };
  outbound: Outbound;
}

/**
 * Every handler of events, in the order in which they get an event. This is where an application plugs in code of its own:
 * an `apply` handler for work in this database, a `call` handler for work outside.
 */
export function handlersOf({ config, outbound }: HandlersParts): EventHandler[] {
  const handlers: EventHandler[] = [];
  const { FORWARD_URL: url, FORWARD_SECRET: key } = config;
  if (url !== undefined && key !== undefined) handlers.push(openForward({ url, key, outbound }));
  return handlers;
}
