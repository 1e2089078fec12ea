/** What the fields tell of one policy. */
export interface RateLimit {
  policy: string;
  quota: number;
  remaining: number;
  windowSeconds: number;
  resetSeconds: number;
}

/**
 * `RateLimit` and `RateLimit-Policy` as structured fields (draft-ietf-httpapi-ratelimit-headers-11 §3 and §4). There is no
 * partition key: whatever stands for the caller there can be tried out by others.
 */
export function rateLimitFields(limit: RateLimit): { ratelimit: string; 'ratelimit-policy': string } {
  const { policy, quota, remaining, windowSeconds, resetSeconds } = limit;
  return {
    ratelimit: `"${policy}";r=${remaining};t=${resetSeconds}`,
    'ratelimit-policy': `"${policy}";q=${quota};w=${windowSeconds}`,
  };
}
