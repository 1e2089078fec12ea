/** The one instance of a header, or how it fails to be one. */
export type OneHeader = { value: string } | 'missing' | 'repeated';

export function oneHeader(headers: NodeJS.Dict<string[]>, name: string): OneHeader {
  const values = headers[name];
  if (values === undefined || values.length === 0) return 'missing';
  const [value] = values;
  return values.length > 1 || value === undefined ? 'repeated' : { value };
}

const PLAIN = /^[\x21-\x7e]{1,200}$/;

/** A header that nobody signed: taken if it comes once, short and printable, else it counts as absent. */
export function unsignedHeader(headers: NodeJS.Dict<string[]>, name: string): string | undefined {
  const header = oneHeader(headers, name);
  return typeof header === 'object' && PLAIN.test(header.value) ? header.value : undefined;
}
