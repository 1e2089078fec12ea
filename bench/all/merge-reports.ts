import type { Report } from '../report.ts';
import { median } from '../statistics.ts';

/** A check of several rounds; `values` are what each of them found. */
export interface MergedCheck {
  title: string;
  value: number;
  values: number[];
  passes: boolean;
  isRatio: boolean;
}

export type MergedReport = Omit<Report, 'checks'> & { checks: MergedCheck[]; rounds: number };

/** Several rounds of one suite as one: medians of every figure, and of every check whether its median still passes. */
export function mergeReports(reports: readonly [Report, ...Report[]]): MergedReport {
  const [first] = reports;
  const figures = first.figures.map((table, at) => ({
    ...table,
    rows: table.rows.map(({ name, values }, row) => ({
      name,
      values: values.map((_, column) =>
        median(reports.map((one) => one.figures[at]?.rows[row]?.values[column] ?? NaN)),
      ),
    })),
  }));
  const checks = first.checks.map(({ title, isRatio = false }, at): MergedCheck => {
    const found = reports.flatMap((one) => one.checks[at] ?? []);
    const values = found.map(({ value }) => value);
    // One disturbed round does not decide.
    const passes = found.filter((one) => one.passes).length * 2 >= found.length;
    return { title, value: median(values), values, passes, isRatio };
  });
  return { ...first, figures, checks, passes: checks.every((check) => check.passes), rounds: reports.length };
}
