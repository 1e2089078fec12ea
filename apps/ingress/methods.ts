import type { RequestHandler } from 'express';
import { Failure } from '#runtime/failure.ts';

/** The end of a route: every other method is 405, with the ones there are in `Allow`. */
export function onlyMethods(...methods: readonly string[]): RequestHandler {
  return () => {
    throw new Failure('method-unsupported', { headers: { allow: methods.join(', ') } });
  };
}
