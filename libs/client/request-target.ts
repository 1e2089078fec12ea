/** Where a request goes, and whether it may carry a token. */
export interface RequestTarget {
  url: string;
  isTrusted: boolean;
}

/** Paths are the server's; a token goes to its origin and to those of `origins`, and nowhere else. */
export function openTargets(baseUrl: string, origins: readonly string[]): (url: string) => RequestTarget {
  const base = new URL(baseUrl, (globalThis as { location?: { href: string } }).location?.href);
  const root = base.href.replace(/\/+$/, '');
  const trusted = new Set([base.origin, ...origins.map((origin) => new URL(origin).origin)]);
  return (text) => {
    const url = text.startsWith('/') && !text.startsWith('//') ? root + text : new URL(text, `${root}/`).href;
    return { url, isTrusted: trusted.has(new URL(url).origin) };
  };
}
