import { audit } from '#audit/queue.ts';
import { consume } from '#queue/consumer.ts';

export interface SealEventsParts {
  tendTrail: (signal: AbortSignal) => Promise<void>;
}

/** Seals the security events that have no seal yet, and does what follows from them. */
export function sealEvents({ tendTrail }: SealEventsParts) {
  return consume(audit, (_, signal) => tendTrail(signal));
}
