export interface ListedSecret {
  label: string | undefined;
  text: string;
}

const LABEL = /^[a-z0-9-]{1,20}$/;
export const MAX_SECRETS = 8;

/**
 * Reads `[label:]secret[,…]`; `%2C` and `%3A` stand for comma and colon inside a secret, nothing else is decoded.
 * Faults never repeat what was given.
 */
export function parseSecretList(value: string, faults: string[]): ListedSecret[] {
  const items = value.split(',');
  if (items.length > MAX_SECRETS) faults.push(`names ${items.length} secrets; at most ${MAX_SECRETS} may be active`);
  const secrets = items.slice(0, MAX_SECRETS).map((item) => parseItem(item, faults));
  const labels = secrets.map(({ label }) => label).filter((label) => label !== undefined);
  if (new Set(labels).size < labels.length) faults.push('uses a label twice');
  return secrets;
}

function parseItem(item: string, faults: string[]): ListedSecret {
  const at = item.indexOf(':');
  const label = at < 0 ? undefined : item.slice(0, at);
  const written = item.slice(at + 1);
  const text = decode(written);
  if ((label !== undefined && !LABEL.test(label)) || written.includes(':')) {
    faults.push('holds more than [a-z0-9-]{1,20} before a colon; a colon inside a secret is written %3A');
  }
  if (text === '') faults.push('holds an empty secret');
  if (text.trim() !== text) faults.push('holds a secret that begins or ends with a space');
  return { label, text };
}

function decode(text: string): string {
  return text.replaceAll('%2C', ',').replaceAll('%3A', ':');
}
