import { buffer } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { providers } from '#webhooks/providers.ts';
import { explain } from './explain.ts';
import { questionOf } from './question.ts';
import { runTool, say } from './run-tool.ts';
import { encodingOf, providerOf } from './target.ts';
import { UsageError } from './usage-error.ts';

const USAGE = `npm run verify -- <provider> --secret … --header 'name: value' … < body
  says offline why a signature does or doesn't match; exits 1 if it doesn't

  --secret …               as in the settings: [label:]secret[,…]; for --method GET the verify tokens
  --key-encoding …         if it is not the provider's own
  --header 'name: value'   each header of the request, as often as there are any
  --url https://…          the address that was requested: twilio signs it, a challenge is in it
  --method GET             for whatsapp's challenge
  --at …                   what time to judge signed times by, as ISO 8601 or Unix seconds, instead of now
  --signature-header …     of wooalerts, and --signature-encoding base64`;

const text = { type: 'string' } as const;

await runTool(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      secret: text,
      'key-encoding': text,
      header: { ...text, multiple: true, default: [] },
      url: text,
      method: { ...text, default: 'POST' },
      at: text,
      'signature-header': { ...text, default: 'x-wooalerts-signature' },
      'signature-encoding': { ...text, default: 'hex' },
    },
  });
  const provider = providerOf(positionals[0]);
  if (values.secret === undefined) throw new UsageError('--secret is missing');
  const { matches, lines } = explain(
    questionOf({
      provider,
      secret: values.secret,
      encoding: encodingOf(values['key-encoding']) ?? providers[provider].keyEncoding,
      headers: values.header,
      method: values.method.toUpperCase(),
      url: values.url,
      signatureHeader: values['signature-header'].toLowerCase(),
      signatureEncoding: values['signature-encoding'] === 'base64' ? 'base64' : 'hex',
      nowMs: timeOf(values.at),
      body: values.method === 'GET' ? Buffer.alloc(0) : await buffer(process.stdin),
    }),
  );
  for (const line of lines) say(line);
  return matches;
});

function timeOf(at: string | undefined): number {
  if (at === undefined) return Date.now();
  const timeMs = /^\d{10}$/.test(at) ? Number(at) * 1_000 : Date.parse(at);
  if (Number.isNaN(timeMs)) throw new UsageError('--at is neither an ISO 8601 time nor Unix seconds');
  return timeMs;
}
