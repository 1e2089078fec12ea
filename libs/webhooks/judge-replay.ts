import type { ProviderName } from '#webhooks/providers.ts';
import { keptDelivery } from '#webhooks/kept-request.ts';
import type { Sources } from '#webhooks/sources.ts';
import { verify } from '#webhooks/verify.ts';

/** Why a receipt can't be replayed, and the same for people. */
export const replayObstacles = {
  unaccepted: 'only what was accepted can be replayed',
  open: 'it is still being worked on',
  erased: 'its body was erased',
  'source-unset': 'its source is not set up any more',
  unverified: 'its bytes do not verify with the secrets of its source as they are now',
  eventless: 'none of its events can be handed out again',
} as const;

export type ReplayObstacle = keyof typeof replayObstacles;

/** What of a kept receipt is looked at before it is replayed. */
export interface KeptForReplay {
  source: string;
  provider: ProviderName;
  verdict: string;
  state: string;
  headers: Record<string, string>;
  body: Buffer | null;
  receivedAt: Date;
}

/**
 * Verifies the kept bytes once more, at the time they were received: whoever can write to the database, but has no secret of
 * the source, can't have handlers run. Undefined if nothing is in the way.
 */
export function obstacleOf(sources: Sources, receipt: KeptForReplay): ReplayObstacle | undefined {
  if (receipt.verdict !== 'accepted') return 'unaccepted';
  if (receipt.state === 'open') return 'open';
  const { body, headers, receivedAt } = receipt;
  if (body === null) return 'erased';
  const source = [...sources.values()].find(({ name }) => name === receipt.source);
  if (source?.provider !== receipt.provider) return 'source-unset';
  const verification = verify(source, keptDelivery(source, { headers, body, receivedAt }));
  return verification.ok && verification.verdict === 'accepted' ? undefined : 'unverified';
}
