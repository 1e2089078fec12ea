import { putInDocument } from './record.ts';
import {
  checkLines,
  conditionsLine,
  figureTable,
  writeResults,
  type Check,
  type Conditions,
  type Figures,
  type Report,
} from './report.ts';

export interface Found {
  suite: string;
  conditions: Conditions;
  load: Record<string, unknown>;
  figures: Figures[];
  /** Tables beside the figures that the page of all suites leaves out. */
  moreTables?: string[];
  checks: Check[];
}

/**
 * Prints what a suite found. With `rounds`, what was measured in each goes to bench/results and the tables between the marks
 * of the suite in docs/performance.md.
 */
export function conclude(found: Found, rounds: Record<string, unknown> | undefined): Report {
  const { suite, conditions, load, figures, moreTables = [], checks } = found;
  const tables = [...figures.map(figureTable), ...moreTables].join('\n\n');
  const text = `${tables}\n\n${checkLines(checks)
    .map((line) => `- ${line}`)
    .join('\n')}`;
  console.log(`\n${text}\n\n${conditionsLine(conditions)}\n`);
  if (rounds !== undefined) {
    writeResults(suite, { ...conditions, load, ...rounds });
    putInDocument(suite, `${text}\n\n${conditionsLine(conditions)}`);
  }
  return { suite, conditions, load, figures, checks, passes: checks.every(({ passes }) => passes) };
}

/** A check of a value that may be no less than its mark. */
export const atLeast = (title: string, value: number, mark: number, isRatio = false): Check => ({
  title: `${title} (>= ${mark})`,
  value,
  passes: value >= mark,
  isRatio,
});

/** A check of a value that may be no more than its mark. */
export const atMost = (title: string, value: number, mark: number, isRatio = false): Check => ({
  title: `${title} (<= ${mark})`,
  value,
  passes: value <= mark,
  isRatio,
});

/** A ratio that is said and has no mark. */
export const told = (title: string, value: number): Check => ({ title, value, passes: true, isRatio: true });
