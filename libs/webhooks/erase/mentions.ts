import type { KeptReceipt } from '#webhooks/event.ts';
import { expand } from '#webhooks/expand.ts';
import { isProviderName } from '#webhooks/providers.ts';

/**
 * Tells whether a kept body is about a person: by the subjects of the events in it, and by the plain text of their numbers,
 * ids and addresses wherever it stands, as in what was cut off or refused.
 */
export function openMentions(subjects: readonly string[]): (provider: string, receipt: KeptReceipt) => boolean {
  const wanted = new Set(subjects);
  const plain = subjects.map((subject) => patternOf(subject)).filter((pattern) => pattern !== undefined);
  return (provider, receipt) => {
    const text = receipt.body.toString('latin1');
    if (plain.some((pattern) => pattern.test(text))) return true;
    if (!isProviderName(provider)) return false;
    const expansion = expand(provider, receipt);
    return expansion.ok && expansion.events.some((event) => event.subjects.some((subject) => wanted.has(subject)));
  };
}

/** Customers' numbers are too short to mean anything outside of their place. */
function patternOf(subject: string): RegExp | undefined {
  const at = subject.indexOf(':');
  const [kind, value] = [subject.slice(0, at), subject.slice(at + 1)];
  const text = RegExp.escape(Buffer.from(value).toString('latin1'));
  if (kind === 'phone') return new RegExp(String.raw`(?<!\d)${text}(?!\d)`);
  if (kind === 'email' || kind === 'user') return new RegExp(String.raw`(?<![\w.+-])${text}(?![\w-])`, 'i');
  return undefined;
}
