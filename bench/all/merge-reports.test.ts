import { expect, it } from 'vitest';
import type { Report } from '../report.ts';
import { mergeReports } from './merge-reports.ts';

const conditions = { at: '', machine: '', loadBefore: 0, versions: { node: '' }, durability: '' };

const reportOf = (perSecond: number, ratio: number): Report => ({
  suite: 'one',
  conditions,
  load: {},
  figures: [
    { title: 'route', columns: [{ title: 'requests/s', digits: 0 }], rows: [{ name: 'ours', values: [perSecond] }] },
  ],
  checks: [{ title: 'x theirs (>= 2)', value: ratio, passes: ratio >= 2, isRatio: true }],
  passes: ratio >= 2,
});

it('takes the median of every figure over the rounds, and keeps what each round found', () => {
  const merged = mergeReports([reportOf(100, 3), reportOf(900, 2.5), reportOf(120, 2)]);
  expect(merged.figures[0]?.rows).toEqual([{ name: 'ours', values: [120] }]);
  expect(merged.checks).toEqual([
    { title: 'x theirs (>= 2)', value: 2.5, values: [3, 2.5, 2], passes: true, isRatio: true },
  ]);
});

it('fails where most rounds do, and not for one of three', () => {
  expect(mergeReports([reportOf(1, 3), reportOf(1, 1), reportOf(1, 3)]).passes).toBe(true);
  expect(mergeReports([reportOf(1, 1), reportOf(1, 1), reportOf(1, 3)]).passes).toBe(false);
});
