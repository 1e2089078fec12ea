/** Keeps the cookies of one browser; all of them are for one origin. */
export interface CookieJar {
  get(name: string): string | undefined;
  /** As in the header `cookie`; undefined while there is none. */
  header(): string | undefined;
  /** Takes in what an answer sets and removes. */
  keep(headers: Headers): void;
}

export function openCookieJar(): CookieJar {
  const kept = new Map<string, string>();
  return {
    get: (name) => kept.get(name),
    header: () => (kept.size === 0 ? undefined : [...kept].map(([name, value]) => `${name}=${value}`).join('; ')),
    keep(headers) {
      for (const line of headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (/;\s*Max-Age=0(?:;|$)/i.test(line)) kept.delete(name);
        else kept.set(name, value);
      }
    },
  };
}
