import { Failure, isFailure } from '#runtime/failure.ts';

/** A failure stays what it is; every other error of the queue's store is `queue-unavailable`. */
export function queueFailure(error: unknown): Failure {
  return isFailure(error) ? error : new Failure('queue-unavailable', { cause: error });
}
