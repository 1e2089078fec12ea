import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median, table } from './statistics.ts';

export type Conditions = ReturnType<typeof conditionsOf>;

/** What a suite found, in one shape for all of them. */
export interface Report {
  suite: string;
  conditions: Conditions;
  /** How much of what was put on whom, as the suite has it. */
  load: Record<string, unknown>;
  figures: Figures[];
  checks: Check[];
  passes: boolean;
}

/** A table of medians over rounds. */
export interface Figures {
  title: string;
  columns: { title: string; digits: number }[];
  rows: { name: string; values: number[] }[];
  /** The column that a chart shows; none where there is nothing to compare. */
  charted?: number;
  /** Whether less of it is better. */
  isCost?: boolean;
}

/** What a figure depends on besides the code. */
export function conditionsOf(versions: Record<string, string>, durability: string) {
  return {
    at: new Date().toISOString(),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GB, ${process.platform} ${release()}`,
    loadBefore: loadavg()[0] ?? 0,
    versions: { node: process.version, ...versions },
    durability,
  };
}

/** The conditions of a run as one line under its figures. */
export function conditionsLine({ at, machine, loadBefore, versions, durability }: Conditions): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured ${at.slice(0, 10)} on ${machine} (load ${loadBefore.toFixed(1)} before) with ${named.join(', ')}. ${durability}.`;
}

/** What a suite requires and found, one line each. */
export interface Check {
  title: string;
  value: number;
  passes: boolean;
  /** Whether the value is a ratio within one interleaved run, which can be quoted of other machines as well. */
  isRatio?: boolean;
}

/** One column of a table: its title, what it shows of a round, and with how many digits behind the point. */
export type Column<Measure> = readonly [title: string, pick: (measure: Measure) => number, digits: number];

/** The medians of what each of `names` was measured at, round by round. */
export function figuresOf<Measure>(
  title: string,
  names: readonly string[],
  measures: readonly (readonly Measure[])[],
  columns: readonly Column<Measure>[],
): Figures {
  return {
    title,
    columns: columns.map(([name, , digits]) => ({ title: name, digits })),
    rows: names.map((name, index) => ({
      name,
      values: columns.map(([, pick]) => median((measures[index] ?? []).map(pick))),
    })),
    charted: 0,
  };
}

export const figureTable = ({ title, columns, rows }: Figures): string =>
  table(
    [title, ...columns.map((column) => column.title)],
    rows.map(({ name, values }) => [name, ...values.map((value, column) => value.toFixed(columns[column]?.digits))]),
  );

export const checkLines = (checks: readonly Check[]): string[] =>
  checks.map(({ title, value, passes }) => `${passes ? 'passed' : 'FAILED'}: ${title}: ${value.toFixed(2)}`);

/** The exact versions of packages of bench/. */
export function versionsOf(...names: string[]): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.fromEntries(names.map((name) => [name, dependencies[name] ?? 'unknown']));
}

/** Writes `bench/results/<date>-<suite>.json`; a later run of the same day replaces it. */
export function writeResults(suite: string, report: { at: string } & Record<string, unknown>): void {
  const directory = join(import.meta.dirname, 'results');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${report.at.slice(0, 10)}-${suite}.json`);
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`Written to ${file}`);
}
