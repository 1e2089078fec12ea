import { expect, it } from 'vitest';
import { barChart } from './bar-chart.ts';
import { lineChart } from './line-chart.ts';

const widthsOf = (svg: string): number[] =>
  [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));

it('draws bars as long as their values are, and says them in words', () => {
  const bars = [
    { name: 'ours', value: 2_000, isOurs: true },
    { name: 'theirs', value: 500, isOurs: false },
  ];
  const svg = barChart({ title: 'Speed', unit: 'requests/s', bars });
  const [ours = 0, theirs = 0] = widthsOf(svg);
  expect(ours / theirs).toBeCloseTo(4, 2);
  expect(svg).toContain('<desc id="description">Bars. ours: 2,000; theirs: 500.</desc>');
});

it('draws nothing for a value of zero', () => {
  const bars = [{ name: 'none', value: 0, isOurs: false }];
  expect(widthsOf(barChart({ title: 'Speed', unit: 'requests/s', bars }))).toEqual([0]);
});

it('lets no name be markup', () => {
  const bars = [{ name: '<script>"&', value: 1, isOurs: false }];
  const svg = barChart({ title: 'a < b', unit: 'x', bars });
  expect(svg).not.toMatch(/<script|a < b/);
  expect(svg).toContain('&#60;script&#62;&#34;&#38;');
});

it('draws a line from the lower left for what grows evenly from zero, and puts no label on another', () => {
  const lines = [
    { name: 'p50', values: [0, 1, 2] },
    { name: 'p99', values: [0, 1, 2] },
  ];
  const svg = lineChart({ title: 'Latency', unit: 'ms', xUnit: 'minutes', xs: [0, 5, 10], xEnd: 10, lines });
  const [, points = ''] = /points="([^"]+)"/.exec(svg) ?? [];
  const [first, middle, last] = points.split(' ').map((point) => point.split(',').map(Number));
  expect(first?.[1]).toBeGreaterThan(last?.[1] ?? 0);
  expect(((first?.[1] ?? 0) + (last?.[1] ?? 0)) / 2).toBeCloseTo(middle?.[1] ?? 0, 1);
  const [p50 = 0, p99 = 0] = ['p50', 'p99'].map((name) => Number(new RegExp(`y="([\\d.]+)">${name}<`).exec(svg)?.[1]));
  expect(Math.abs(p50 - p99)).toBeGreaterThanOrEqual(16);
});
