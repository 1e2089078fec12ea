import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../../libs/testing/repository.ts';
import type { Report } from '../report.ts';
import { mergeReports } from './merge-reports.ts';
import { pageOf, type Section } from './page.ts';
import { suites } from './suites.ts';

const CHARTS = 'benchmarks';

/** Every suite once in each round; then one file of results, one page and its charts. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  const at = new Date().toISOString();
  const chosen = Object.entries(suites).filter(([name]) => values.only?.includes(name) ?? true);
  const reports = new Map<string, Report[]>();
  const failures = new Map<string, string>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, suite] of chosen) {
      if (failures.has(name)) continue;
      console.log(`\n--- ${name}, ${round} of ${rounds}`);
      try {
        const { report } = await suite.load();
        const found = await report([...(values.quick ? suite.quickArgs : suite.args)]);
        reports.set(name, [...(reports.get(name) ?? []), found]);
      } catch (error) {
        // The others are measured all the same, and the page says what is missing.
        failures.set(name, error instanceof Error ? error.message : String(error));
        console.error(error);
      }
    }
  }
  const sections = chosen.map(([name, { title }]): Section => {
    const [first, ...more] = reports.get(name) ?? [];
    return first === undefined
      ? { title, failure: failures.get(name) ?? 'nothing came of it' }
      : { title, report: mergeReports([first, ...more]) };
  });
  write(sections, { at, rounds });
  const passes = failures.size === 0 && sections.every((section) => 'report' in section && section.report.passes);
  console.log(`${passes ? 'passed' : 'FAILED'}: every suite was measured and reaches its marks`);
  return passes;
}

function write(sections: readonly Section[], { at, rounds }: { at: string; rounds: number }): void {
  const results = join(repository, 'bench', 'results');
  const charts = join(repository, 'docs', CHARTS);
  for (const directory of [results, charts]) mkdirSync(directory, { recursive: true });
  const file = join(results, `${at.slice(0, 10)}.json`);
  writeFileSync(file, `${JSON.stringify({ at, rounds, sections }, null, 2)}\n`);
  const page = pageOf(sections, { at, chartsPath: CHARTS });
  for (const [name, svg] of page.charts) writeFileSync(join(charts, name), svg);
  writeFileSync(join(repository, 'docs', 'benchmarks.md'), page.markdown);
  console.log(`\nWritten to ${file} and docs/benchmarks.md`);
}
