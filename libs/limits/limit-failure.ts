import { Failure } from '#runtime/failure.ts';
import { rateLimitFields } from '#limits/fields.ts';

/** The refusal of a key that has used up a fixed policy. */
export function limitFailure(
  { name, points, windowSeconds }: { name: string; points: number; windowSeconds: number },
  resetSeconds: number,
): Failure {
  return new Failure('limit-exceeded', {
    retryAfterSeconds: resetSeconds,
    headers: rateLimitFields({ policy: name, quota: points, remaining: 0, windowSeconds, resetSeconds }),
    members: { 'violated-policies': [name] },
  });
}
