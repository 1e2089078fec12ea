import { fileURLToPath } from 'node:url';
import { dirname } from 'node:path';
import { ExpressAdapter } from '@bull-board/express';
import type { Express } from 'express';

type Render = (path: string, options: object, done: (error: unknown, html?: string) => void) => void;

/** Where Bull Board's pages are; it would look for them itself only by an evaluated `require`. */
export const uiBasePath = dirname(fileURLToPath(import.meta.resolve('@bull-board/ui/package.json')));

/** Bull Board with a page that loads nothing from other hosts and keeps to our CSP. */
export class LocalPageAdapter extends ExpressAdapter {
  override setViewsPath(path: string): this {
    super.setViewsPath(path);
    this.app.disable('x-powered-by');
    const app = this.app as Express & { engines: Record<string, Render> };
    const render = app.engines['.ejs'];
    if (render === undefined) throw new Error('Bull Board no longer renders its page by ejs');
    app.engine('ejs', (view: string, options: object, done: Parameters<Render>[2]) => {
      render(view, options, (error, html) => done(error, html === undefined ? html : localPage(html)));
    });
    return this;
  }
}

/** Takes out links to other hosts, and the inline styles of the sign that shows while the scripts load. */
export function localPage(html: string): string {
  return html
    .replace(/<link\b[^>]*\bhref=["']?(?:https?:)?\/\/[^>]*>\s*/gi, '')
    .replace(/<style>[^<]*<\/style>/gi, '')
    .replace(/ style="[^"]*"/gi, '');
}
