import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const results = join(import.meta.dirname, 'results');
const document = join(import.meta.dirname, '..', 'docs', 'performance.md');

/** Keeps a run's figures in bench/results, and puts what people read between its marks in docs/performance.md. */
export function record(name: string, report: unknown, markdown: string): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
  putInDocument(name, markdown);
}

/** Puts what people read between its marks in docs/performance.md. */
export function putInDocument(name: string, markdown: string): void {
  const text = readFileSync(document, 'utf8');
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`docs/performance.md has no place for ${name}`);
  writeFileSync(document, `${text.slice(0, from + start.length)}\n${markdown}\n${text.slice(to)}`);
}
