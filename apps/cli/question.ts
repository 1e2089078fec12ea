import { hash } from 'node:crypto';
import { decodeKey } from '#webhooks/key.ts';
import type { KeyEncoding, SourceToken } from '#webhooks/provider.ts';
import { providers, type ProviderName } from '#webhooks/providers.ts';
import { parseSecretList, type ListedSecret } from '#webhooks/secret-list.ts';
import type { Source } from '#webhooks/source.ts';
import type { Question } from './explain.ts';
import { UsageError } from './usage-error.ts';

/** What a person says about one request. */
export interface Described {
  provider: ProviderName;
  /** As in the settings: `[label:]secret[,…]`. */
  secret: string;
  encoding: KeyEncoding;
  /** `name: value`. */
  headers: readonly string[];
  method: string;
  url: string | undefined;
  signatureHeader: string;
  signatureEncoding: Source['signatureEncoding'];
  nowMs: number;
  body: Buffer;
}

/** Puts together source and request as they would be if the request had come in. */
export function questionOf(described: Described): Question {
  const { provider, method, headers, nowMs, body } = described;
  const url = parseUrl(described.url);
  const faults: string[] = [];
  const secrets = parseSecretList(described.secret, faults);
  const isChallenge = method === 'GET';
  const source: Source = {
    name: provider,
    provider,
    path: url.pathname,
    keys: isChallenge ? [] : keysOf(secrets, described.encoding, faults),
    verifyTokens: isChallenge ? secrets.map((secret) => tokenOf(secret)) : [],
    outage: providers[provider].outage,
    maxBytes: body.length,
    signatureHeader: described.signatureHeader,
    signatureEncoding: described.signatureEncoding,
    publicUrl: url.origin,
  };
  if (faults.length > 0) throw new UsageError(faults.map((fault) => `--secret: ${fault}`).join('\n'));
  const delivery = { method, path: url.pathname, query: url.search.slice(1), headers: distinct(headers), nowMs, body };
  return { source, delivery, secrets: secrets.map(({ text }) => text) };
}

function keysOf(secrets: readonly ListedSecret[], encoding: KeyEncoding, faults: string[]): Source['keys'] {
  return secrets.flatMap(({ label, text }) => {
    const decoded = decodeKey(text, encoding);
    if (typeof decoded !== 'string') return [{ label: label ?? decoded.sha256.slice(0, 8), key: decoded.key }];
    faults.push(decoded);
    return [];
  });
}

function tokenOf({ label, text }: ListedSecret): SourceToken {
  const sha256 = hash('sha256', text, 'buffer');
  return { label: label ?? sha256.toString('hex', 0, 4), sha256 };
}

function parseUrl(text: string | undefined): URL {
  if (text === undefined) return new URL('http://127.0.0.1/');
  if (!URL.canParse(text)) throw new UsageError('--url is not a URL');
  return new URL(text);
}

function distinct(lines: readonly string[]): NodeJS.Dict<string[]> {
  const headers: NodeJS.Dict<string[]> = {};
  for (const line of lines) {
    const at = line.indexOf(':');
    if (at < 1) throw new UsageError("--header is of the form 'name: value'");
    const name = line.slice(0, at).trim().toLowerCase();
    (headers[name] ??= []).push(line.slice(at + 1).trim());
  }
  return headers;
}
