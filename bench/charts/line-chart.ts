import { escaped, figure, svgOf } from './svg.ts';

export interface LineChart {
  title: string;
  /** Of the values. */
  unit: string;
  /** Of the places, which are the same for all lines. */
  xUnit: string;
  xs: readonly number[];
  /** Where the last of them may be at most; the chart ends there. */
  xEnd: number;
  lines: readonly { name: string; values: readonly number[] }[];
}

const WIDTH = 760;
const HEIGHT = 300;
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 150, 52, 40] as const;
const STEPS = 4;
const LABEL_HEIGHT = 16;

/** Lines over time from zero, each named at its end. */
export function lineChart({ title, unit, xUnit, xs, xEnd, lines }: LineChart): string {
  const highest = roundedUp(Math.max(...lines.flatMap(({ values }) => values), Number.MIN_VALUE));
  const xOf = (x: number): number => LEFT + (x / xEnd) * (WIDTH - LEFT - RIGHT);
  const yOf = (value: number): number => HEIGHT - BOTTOM - (value / highest) * (HEIGHT - TOP - BOTTOM);
  const steps = Array.from({ length: STEPS + 1 }, (_, step) => step / STEPS);
  const grid = steps.flatMap((part) => [
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${yOf(part * highest)}" y2="${yOf(part * highest)}"/>`,
    `<text class="faint" x="${LEFT - 8}" y="${yOf(part * highest) + 4.5}" text-anchor="end">${figure(part * highest)}</text>`,
    `<text class="faint" x="${xOf(part * xEnd)}" y="${HEIGHT - 16}" text-anchor="middle">${figure(part * xEnd)}</text>`,
  ]);
  const labels = apart(lines.map(({ values }) => yOf(values.at(-1) ?? 0)));
  const drawn = lines.flatMap(({ name, values }, index) => [
    `<polyline class="line s${index % 4}" points="${values.map((value, at) => `${xOf(xs[at] ?? 0).toFixed(1)},${yOf(value).toFixed(1)}`).join(' ')}"/>`,
    `<line class="line s${index % 4}" x1="${WIDTH - RIGHT + 6}" x2="${WIDTH - RIGHT + 20}" y1="${labels[index]}" y2="${labels[index]}"/>`,
    `<text x="${WIDTH - RIGHT + 26}" y="${(labels[index] ?? 0) + 4.5}">${escaped(name)}</text>`,
  ]);
  const description = lines
    .map(
      ({ name, values }) =>
        `${name}: from ${figure(values[0] ?? 0)} to ${figure(values.at(-1) ?? 0)}, at most ${figure(Math.max(...values))}`,
    )
    .join('; ');
  return svgOf(
    { width: WIDTH, height: HEIGHT, title: `${title}, ${unit}`, description: `Lines over ${xUnit}. ${description}.` },
    [
      `<text class="title" x="0" y="18">${escaped(title)}</text>`,
      `<text class="faint" x="0" y="38">${escaped(unit)}</text>`,
      ...grid,
      `<text class="faint" x="${WIDTH - RIGHT + 26}" y="${HEIGHT - 16}">${escaped(xUnit)}</text>`,
      ...drawn,
    ],
  );
}

/** The next number of the form 1, 2 or 5 with zeros. */
function roundedUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

/** Heights of labels, moved down where they would lie on each other, in the order of the lines. */
function apart(heights: readonly number[]): number[] {
  const order = heights.map((height, index) => ({ height, index })).toSorted((a, b) => a.height - b.height);
  const placed: number[] = [];
  let free = 0;
  for (const { height, index } of order) {
    placed[index] = Math.max(height, free);
    free = placed[index] + LABEL_HEIGHT;
  }
  const over = Math.max(0, free - LABEL_HEIGHT - (HEIGHT - BOTTOM));
  return placed.map((height) => height - over);
}
