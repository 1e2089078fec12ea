import { join } from 'node:path';
import { build, type Rolldown } from 'vite';

/** What the browser gets, by path. */
export type Page = ReadonlyMap<string, { type: string; text: string }>;

/** Bundles the page with the client library, as an application's own build would. */
export async function buildPage(ingressUrl: string): Promise<Page> {
  const result = await build({
    configFile: false,
    root: join(import.meta.dirname, 'page'),
    logLevel: 'warn',
    define: { INGRESS_URL: JSON.stringify(ingressUrl) },
    build: { write: false, modulePreload: { polyfill: false } },
  });
  const { output } = result as Rolldown.RolldownOutput;
  return new Map(
    output.map((file) => {
      const text = file.type === 'chunk' ? file.code : Buffer.from(file.source).toString('utf8');
      return [`/${file.fileName}`, { type: file.fileName.split('.').at(-1) ?? 'txt', text }];
    }),
  );
}
