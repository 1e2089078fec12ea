import { createSecretKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import type { Sample } from '#webhooks/provider.ts';
import { providers } from '#webhooks/providers.ts';
import { sign } from '#webhooks/sign.ts';
import type { Exchange } from './exchange.ts';
import type { Target } from './target.ts';

/** One request that was made and what came of it. */
export interface Step {
  what: string;
  ok: boolean;
  /** What came, and if that is not what should have come, what should. */
  outcome: string;
  ms: number;
  receiptId?: string | undefined;
}

export interface Sender {
  target: Target;
  /** A sample that no earlier run has sent. */
  next(): Sample;
  /** The sample as a signed request. */
  signed(sample: Sample, key?: KeyObject): Exchange;
  foreignKey(): KeyObject;
}

export function openSender(target: Target, now: () => number = Date.now): Sender {
  // Finer than a request a millisecond, so that no run repeats what the one before it sent.
  let n = now() * 1_000;
  const [firstKey] = target.keys;
  return {
    target,
    next() {
      n += 1;
      return providers[target.source.provider].sample(n, now());
    },
    signed({ body, headers }, key = firstKey) {
      if (key === undefined) throw new Error('there is no key to sign with');
      const url =
        target.source.publicUrl === undefined ? target.url.href : target.source.publicUrl + target.source.path;
      const unsigned = { body, nowMs: now(), id: `msg_${randomBytes(16).toString('hex')}`, url };
      return { url: target.url, headers: { ...headers, ...sign({ ...target.source, key }, unsigned) }, body };
    },
    foreignKey: () =>
      firstKey?.type === 'private' ? generateKeyPairSync('ed25519').privateKey : createSecretKey(randomBytes(32)),
  };
}
