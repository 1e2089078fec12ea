import type { SubmitEvent } from 'react';

/** The texts of a form by the names of their fields; the page stays where it is. */
export function submitted(event: SubmitEvent<HTMLFormElement>): Record<string, string> {
  event.preventDefault();
  const entries = [...new FormData(event.currentTarget)];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
