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

  return async (_request, _response, next) => {
    if (isTaken) {
      // It goes on in its own context, and under its own id.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      isTaken = true;
      setImmediate(endTurn);
    }
    next();
  };
}
