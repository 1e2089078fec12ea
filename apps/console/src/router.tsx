import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent, type Ref } from 'react';

const BASE = '/console';
const MOVED = 'console-moved';

function subscribe(listener: () => void): () => void {
  addEventListener('popstate', listener);
  addEventListener(MOVED, listener);
  return () => {
    removeEventListener('popstate', listener);
    removeEventListener(MOVED, listener);
  };
}

/** The path below /console, such as `/receipts/0190…`, without a trailing slash. */
export function usePath(): string {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  return path.replace(new RegExp(`^${BASE}`), '').replace(/\/+$/, '') || '/';
}

/** The query of the address, and how to change it without a new entry in the history. */
export function useSearch(): [URLSearchParams, (next: Record<string, string | undefined>) => void] {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const set = (next: Record<string, string | undefined>): void => {
    const given = Object.entries(next).filter((entry): entry is [string, string] => Boolean(entry[1]));
    const text = new URLSearchParams(given).toString();
    move(location.pathname + (text === '' ? '' : `?${text}`), { replace: true });
  };
  return [new URLSearchParams(search), set];
}

export function hrefOf(path: string): string {
  return `${BASE}${path === '/' ? '/' : path}`;
}

export function go(path: string, options: { replace?: boolean } = {}): void {
  move(hrefOf(path), options);
}

function move(href: string, { replace = false }: { replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  dispatchEvent(new Event(MOVED));
}

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & { to: string; ref?: Ref<HTMLAnchorElement> };

/** A link inside the console; a new tab and the like stay the browser's. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  function follow(event: MouseEvent<HTMLAnchorElement>): void {
    onClick?.(event);
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!isPlain || event.defaultPrevented) return;
    event.preventDefault();
    go(to);
  }
  return <a href={hrefOf(to)} onClick={follow} {...rest} />;
}
