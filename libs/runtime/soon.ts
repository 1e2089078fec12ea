/** What is there already, or is to come: most decisions need not wait, and a promise costs more than they do. */
export type Soon<T> = T | Promise<T>;

/** Goes on with a value, at once if it is there. */
export function soon<T, U>(value: Soon<T>, goOn: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(goOn) : goOn(value);
}
