/** What the fields tell of one policy. */
export interface RateLimit {
  policy: string;
  quota: number;
  remaining: number;
  windowSeconds: number;
  resetSeconds: number;
}

export type RateLimitFields = Record<'ratelimit' | 'ratelimit-policy', string>;

/**
 * `RateLimit` and `RateLimit-Policy` as structured fields (draft-ietf-httpapi-ratelimit-headers-11 §3 and §4). There is no
 * partition key: whatever stands for the caller there can be tried out by others.
 */
export const rateLimitFields = (limit: RateLimit): RateLimitFields => fieldsWith(policyTextsOf(limit), limit);

/** The same for many answers: what stays as it is from one to the next of a policy is written once. */
export function openRateLimitFields(): (limit: RateLimit) => RateLimitFields {
  const textsByPolicy = new Map<string, PolicyTexts>();
  return (limit) => {
    let texts = textsByPolicy.get(limit.policy);
    if (texts === undefined || texts.quota !== limit.quota || texts.windowSeconds !== limit.windowSeconds) {
      texts = policyTextsOf(limit);
      textsByPolicy.set(limit.policy, texts);
    }
    return fieldsWith(texts, limit);
  };
}

interface PolicyTexts {
  quota: number;
  windowSeconds: number;
  /** What both fields begin with. */
  name: string;
  policy: string;
}

function policyTextsOf({ policy, quota, windowSeconds }: RateLimit): PolicyTexts {
  const name = `"${policy}";`;
  return { quota, windowSeconds, name, policy: `${name}q=${quota};w=${windowSeconds}` };
}

const fieldsWith = ({ name, policy }: PolicyTexts, { remaining, resetSeconds }: RateLimit): RateLimitFields => ({
  ratelimit: `${name}r=${remaining};t=${resetSeconds}`,
  'ratelimit-policy': policy,
});
