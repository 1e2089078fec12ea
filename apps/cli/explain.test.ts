import { describe, expect, it } from 'vitest';
import { deliveryTo, NOW_MS, secretKey, signedDelivery, testSource } from '#testing/webhook-requests.ts';
import { decodeKey } from '#webhooks/key.ts';
import type { Delivery } from '#webhooks/provider.ts';
import type { ProviderName } from '#webhooks/providers.ts';
import { explain } from './explain.ts';
import { questionOf, type Described } from './question.ts';
import { UsageError } from './usage-error.ts';

const SECRET = 'mN4vQ8xZ1kD7pR2tY6wB9cF3';

const source = (provider: ProviderName) => testSource(provider, { keys: [secretKey(SECRET)] });

function explained(provider: ProviderName, delivery: Delivery, secrets = [SECRET]): string {
  return explain({ source: source(provider), delivery, secrets }).lines.join('\n');
}

/** The request with another body than the one that was signed. */
const changed = (signedBody: string, body: string | Buffer): Delivery => ({
  ...signedDelivery(source('github'), signedBody),
  body: Buffer.from(body),
});

describe('why a signature does not match', () => {
  it.each<[title: string, delivery: Delivery, hint: RegExp]>([
    ['a line break added', changed('{"a":1}', '{"a":1}\n'), /line break at its end that was not signed/],
    ['a line break lost', changed('{"a":1}\n', '{"a":1}'), /lacks the line break/],
    ['a byte order mark added', changed('{"a":1}', '\uFEFF{"a":1}'), /byte order mark/],
    ['line breaks made CR LF', changed('{\n"a":1\n}', '{\r\n"a":1\r\n}'), /turned into CR LF/],
    ['CR LF made line breaks', changed('{\r\n"a":1\r\n}', '{\n"a":1\n}'), /were CR LF/],
    ['JSON formatted', changed('{"a":1}', '{ "a": 1 }'), /signed without spaces/],
    ['JSON compacted', changed('{\n  "a": 1\n}', '{"a":1}'), /signed indented/],
    ['escapes lost', changed(String.raw`{"a":"\u00e4"}`, '{"a":"\u00E4"}'), /with \\u escapes/],
    ['escapes and slashes lost', changed(String.raw`{"a":"\u00e4\/"}`, '{"a":"\u00E4/"}'), /escapes and \\\//],
    ['Latin-1 taken for UTF-8', changed('{"a":"\u00E4"}', Buffer.from('{"a":"\u00C3\u00A4"}')), /Latin-1/],
    ['something else', changed('{"a":1}', '{"a":2}'), /none of the usual mistakes/],
  ])('%s', (_title, delivery, hint) => {
    expect(explained('github', delivery)).toMatch(hint);
  });

  it('a secret that is read in the wrong way', () => {
    const secret = '6d4e34765138785a316b443770523274';
    const key = decodeKey(secret, 'hex');
    if (typeof key === 'string') throw new Error(key);
    const delivery = signedDelivery(source('github'), '{}', { key: key.key });
    expect(explained('github', delivery, [secret])).toMatch(/read as hex/);
  });

  it('a secret that was copied with a line break', () => {
    const delivery = signedDelivery(source('github'), '{}', { key: secretKey(`${SECRET}\n`).key });
    expect(explained('github', delivery)).toMatch(/line break at the end of the secret/);
  });

  it('a signed time that has passed, though all else is right', () => {
    const delivery = { ...signedDelivery(source('slack'), '{}'), nowMs: NOW_MS + 3_600_000 };
    expect(explained('slack', delivery)).toMatch(
      /timestamp-old.*\n.*2023-11-14T22:13:20.000Z\napart from that it matches/s,
    );
  });

  it.each([
    ['x-hub-signature', /SHA-1 and never looked at/],
    ['stripe-signature', /another provider: stripe/],
  ])('only the header %s', (header, hint) => {
    expect(explained('github', deliveryTo(source('github'), '{}', { [header]: 'x' }))).toMatch(hint);
  });

  it('a doubled or upper-case header', () => {
    const delivery = signedDelivery(source('github'), '{}');
    const value = delivery.headers['x-hub-signature-256']?.[0] ?? '';
    const withValue = (text: string): Delivery => ({ ...delivery, headers: { 'x-hub-signature-256': [text] } });
    expect(explained('github', withValue(`${value}, ${value}`))).toMatch(/joined by a comma/);
    expect(explained('github', withValue(`sha256=${value.slice(7).toUpperCase()}`))).toMatch(/upper case/);
  });

  it('a URL that twilio was told otherwise', () => {
    const delivery = signedDelivery(source('twilio'), 'MessageSid=SM1');
    expect(explained('twilio', { ...delivery, query: 'x=1' })).toMatch(/without its query/);
    const plain = { ...source('twilio'), publicUrl: 'http://in.example.com' };
    expect(explain({ source: plain, delivery, secrets: [SECRET] }).lines.join()).toMatch(/signed as https/);
  });

  it('without telling the secret or the right signature', () => {
    const delivery = changed('{"a":1}', '{"a":2}');
    const right = signedDelivery(source('github'), '{"a":2}').headers['x-hub-signature-256']?.[0]?.slice(7) ?? '';
    const text = explained('github', delivery);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(right);
  });
});

const described = (more: Partial<Described>): Described => ({
  provider: 'github',
  secret: "It's a Secret to Everybody",
  encoding: 'utf8',
  headers: ['X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'],
  method: 'POST',
  url: undefined,
  signatureHeader: 'x-wooalerts-signature',
  signatureEncoding: 'hex',
  nowMs: NOW_MS,
  body: Buffer.from('Hello, World!'),
  ...more,
});

describe('a request as a person describes it', () => {
  it("matches: GitHub's own example", () => {
    expect(explain(questionOf(described({})))).toMatchObject({
      matches: true,
      lines: [/accepted, by the secret/].map((line) => expect.stringMatching(line)),
    });
  });

  it('matches by one of several labelled secrets', () => {
    const secret = "old:mN4vQ8xZ1kD7pR2tY6wB9cF3,new:It's a Secret to Everybody";
    expect(explain(questionOf(described({ secret }))).lines[0]).toMatch(/by the secret new/);
  });

  it('may be a challenge', () => {
    const url = 'https://x.example/api/whatsapp/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=abc';
    const challenge = described({ provider: 'whatsapp', method: 'GET', url, secret: 'abc', headers: [] });
    expect(explain(questionOf(challenge)).lines).toEqual(['it matches: challenge, by the secret ba7816bf']);
  });

  it.each([
    [{ secret: 'short' }, /too short/],
    [{ secret: '' }, /empty/],
    [{ headers: ['nonsense'] }, /--header/],
    [{ url: 'nonsense' }, /--url/],
  ])('is refused as %j', (more, fault) => {
    expect(() => questionOf(described(more))).toThrow(UsageError);
    expect(() => questionOf(described(more))).toThrow(fault);
  });
});
