const NAME = /^[a-z][a-z0-9_.-]{0,100}$/;

/** An event's type made of a sender's own words; words that fit no type become `unknown`, the raw part keeps them. */
export function typeOf(provider: string, ...words: (string | undefined)[]): string {
  const name = words
    .filter((word) => word !== undefined)
    .join('.')
    .replaceAll('/', '.');
  return `${provider}.${NAME.test(name) ? name : 'unknown'}`;
}
