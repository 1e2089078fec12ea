import { parseArgs } from 'node:util';
import { environment } from '#runtime/config.ts';
import { findRunningSystem } from './running-system.ts';
import { runTool, say } from './run-tool.ts';
import { scenarios, sendBatch, sendOne } from './scenarios.ts';
import { sendRate } from './send-rate.ts';
import { openSender, type Sender, type Step } from './sender.ts';
import { targetOf } from './target.ts';
import { UsageError } from './usage-error.ts';

const USAGE = `npm run send -- <provider> [what …] [where …]
  signs a sample as the provider would, sends it and checks the answer; exits 1 if one is not as it should be

what (one signed request if nothing is said; several may be)
  --batch 1000     so many updates in one request (whatsapp)
  --duplicate      the same request twice
  --out-of-order   later things first
  --wrong-key      signed with a key of somebody else
  --rotated-key    one with each active secret
  --gzip-bomb      a small body that would be 50 MB
  --slow           a byte every half second
  --http10         over HTTP/1.0; for woocommerce the unsigned ping as well
  --rate 500       so many a second, for --seconds 5

where
  --source shop    which source, if there are several of the provider
  --secret …       instead of the secrets of the running system or the environment; --key-encoding as in the settings
  --url http://…   instead of the running system; --allow-remote if it is another machine`;

const flags = { type: 'boolean', default: false } as const;
const text = { type: 'string' } as const;

await runTool(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      batch: text,
      rate: text,
      seconds: { ...text, default: '5' },
      duplicate: flags,
      'out-of-order': flags,
      'wrong-key': flags,
      'rotated-key': flags,
      'gzip-bomb': flags,
      slow: flags,
      http10: flags,
      source: text,
      secret: text,
      'key-encoding': text,
      url: text,
      'allow-remote': flags,
    },
  });
  const target = targetOf({ ...values, provider: positionals[0] }, findRunningSystem(environment()));
  const sender = openSender(target);
  say(`${target.source.provider} as ${target.source.name}, to ${target.url.href}`);
  const works: ((sender: Sender) => Promise<Step[]>)[] = [];
  if (values.batch !== undefined) {
    const size = numberOf('--batch', values.batch, 5_000);
    works.push((to) => sendBatch(to, size));
  }
  for (const name of Object.keys(scenarios) as (keyof typeof scenarios)[])
    if (values[name]) works.push(scenarios[name]);
  if (values.rate !== undefined) {
    const [rate, seconds] = [numberOf('--rate', values.rate, 100_000), numberOf('--seconds', values.seconds, 3_600)];
    works.push((to) => sendRate(to, rate, seconds));
  }
  if (works.length === 0) works.push(sendOne);
  let isGood = true;
  for (const work of works) {
    for (const step of await work(sender)) {
      say(lineOf(step));
      isGood &&= step.ok;
    }
  }
  return isGood;
});

function numberOf(name: string, value: string, max: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw new UsageError(`${name} is a whole number from 1 to ${max}`);
}

function lineOf({ ok, what, outcome, ms, receiptId }: Step): string {
  return `${ok ? '✓' : '✗'} ${what}: ${outcome}, ${ms.toFixed(1)} ms${receiptId === undefined ? '' : `, receipt ${receiptId}`}`;
}
