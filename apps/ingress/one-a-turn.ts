import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestHandler } from 'express';

/**
 * Lets one request through in each turn of the event loop, in the order of their coming: however many come at once, whatever
 * else is to be done waits for one of them at most.
 */
export function oneATurn(): RequestHandler {
  const waiting: (() => void)[] = [];
  let isTaken = false;

  function endTurn(): void {
    const next = waiting.shift();
    isTaken = next !== undefined;
    if (next === undefined) return;
    setImmediate(endTurn);
    next();
  }

  return (_request, _response, next) => {
    if (isTaken) {
      // Else it would go on in the context, and under the id, of the request before it.
      waiting.push(AsyncLocalStorage.bind(() => next()));
      return;
    }
    isTaken = true;
    setImmediate(endTurn);
    next();
  };
}
