import { timingSafeEqual } from 'node:crypto';
import type { Head, RefusalReason, Sender, SourceToken, Verification } from '#webhooks/provider.ts';
import { sha256 } from '#webhooks/signed.ts';

const MAX_QUERY_CHARACTERS = 2_048;
const CHALLENGE = /^[\w.~+/=-]{1,256}$/;
const NO_BODY = Buffer.alloc(0);

interface Challenge {
  token: string;
  challenge: string;
}

/**
 * Reads Meta's GET challenge (Graph API, "Getting started with webhooks": Verification Requests): `hub.mode=subscribe`,
 * `hub.challenge` and `hub.verify_token`, each exactly once.
 */
export function readChallenge({ query }: Head): Challenge | RefusalReason {
  if (query.length > MAX_QUERY_CHARACTERS) return 'challenge-malformed';
  const parameters = new URLSearchParams(query);
  const one = (name: string): string | undefined => {
    const values = parameters.getAll(name);
    return values.length === 1 ? values[0] : undefined;
  };
  const token = one('hub.verify_token');
  const challenge = one('hub.challenge');
  const isWhole = one('hub.mode') === 'subscribe' && token !== undefined && challenge !== undefined;
  return isWhole && CHALLENGE.test(challenge) ? { token, challenge } : 'challenge-malformed';
}

/** Answers the challenge where its token is one of the source's; text/plain, because HTML would let it run as a script. */
export function answerChallenge(sender: Sender, head: Head): Verification {
  const read = readChallenge(head);
  if (typeof read === 'string') return { ok: false, reason: read };
  const match = matchingToken(sender.verifyTokens, read.token);
  if (match === undefined) return { ok: false, reason: 'token-mismatch' };
  return {
    ok: true,
    verdict: 'challenge',
    secretLabel: match.label,
    dedupeKey: undefined,
    sha256: sha256(NO_BODY),
    textId: undefined,
    reply: { contentType: 'text/plain; charset=utf-8', text: read.challenge },
  };
}

function matchingToken(tokens: readonly SourceToken[], given: string): SourceToken | undefined {
  const digest = sha256(given);
  let match: SourceToken | undefined;
  for (const token of tokens) if (timingSafeEqual(token.sha256, digest)) match ??= token;
  return match;
}
