import type { Delivery } from '../../libs/webhooks/provider.ts';
import { verify } from '../../libs/webhooks/verify.ts';
import { peers } from '../peers/verifiers.mjs';
import type { Case, Scheme } from './corpus.ts';

export type Answer = 'accept' | 'reject' | { threw: string };

/** One library for one scheme. */
export interface Verifier {
  library: string;
  scheme: Scheme;
  /** Makes the call ready, so that only the call itself is measured. */
  prepare: (one: Case) => () => Answer | Promise<Answer>;
}

export const OURS = 'Portcullis';

/** Ours, then every library that has something for the scheme. */
export function verifiersOf(scheme: Scheme): Verifier[] {
  const theirs = peers.flatMap(({ name, schemes }): Verifier[] => {
    const ask = schemes[scheme];
    return ask === undefined ? [] : [{ library: name, scheme, prepare: (one) => askWith(ask, one) }];
  });
  return [{ library: OURS, scheme, prepare: askOurs }, ...theirs];
}

function askOurs({ source, delivery }: Case): () => Answer {
  return () => {
    try {
      return verify(source, delivery).ok ? 'accept' : 'reject';
    } catch (error) {
      return { threw: String(error) };
    }
  };
}

type Ask = NonNullable<(typeof peers)[number]['schemes'][string]>;

function askWith(ask: Ask, { delivery, source, secret }: Case): () => Promise<Answer> {
  const request = {
    url: `https://in.example.com${source.path}`,
    headers: joined(delivery.headers),
    body: delivery.body,
    secret,
  };
  return () => ask(request);
}

/** As `IncomingMessage.headers` shows repeated ones. */
function joined(headers: Delivery['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, (values ?? []).join(', ')]));
}
