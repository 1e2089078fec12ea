import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

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
export function conditionsLine({
  at,
  machine,
  loadBefore,
  versions,
  durability,
}: ReturnType<typeof conditionsOf>): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured ${at.slice(0, 10)} on ${machine} (load ${loadBefore.toFixed(1)} before) with ${named.join(', ')}. ${durability}.`;
}

/** What a suite requires and found, one line each. */
export interface Check {
  title: string;
  value: number;
  passes: boolean;
}

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
