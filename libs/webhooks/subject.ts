/** Whom an event is about, in one spelling, so that one query finds all of a person's events. */

const NOT_DIGITS = /\D/g;

export function phoneSubject(text: string | undefined): string | undefined {
  const digits = text?.replaceAll(NOT_DIGITS, '') ?? '';
  return digits.length >= 5 ? `phone:${digits}` : undefined;
}

export function emailSubject(text: string | undefined): string | undefined {
  return text?.includes('@') === true ? `email:${text.trim().toLowerCase()}` : undefined;
}

export function userSubject(id: string | undefined): string | undefined {
  return id === undefined ? undefined : `user:${id}`;
}

/** A guest is customer 0 in shops, which is nobody. */
export function customerSubject(id: string | undefined): string | undefined {
  return id === undefined || id === '0' ? undefined : `customer:${id}`;
}

const MAX_SUBJECT_CHARACTERS = 255;
const MAX_SUBJECTS = 32;

export function subjectsOf(...subjects: (string | undefined)[]): string[] {
  const present = subjects.filter((subject) => subject !== undefined && subject.length <= MAX_SUBJECT_CHARACTERS);
  return [...new Set(present as string[])].slice(0, MAX_SUBJECTS);
}

/** A subject as people write it, in its one spelling; undefined if it is none. */
export function parseSubject(text: string): string | undefined {
  const at = text.indexOf(':');
  const [kind, value] = [text.slice(0, at), text.slice(at + 1).trim()];
  if (at < 0 || value === '') return undefined;
  const spell = { phone: phoneSubject, email: emailSubject, user: userSubject, customer: customerSubject }[kind];
  return spell?.(value);
}
