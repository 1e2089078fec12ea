import { escaped, figure, svgOf } from './svg.ts';

export interface BarChart {
  title: string;
  /** Of the values. */
  unit: string;
  bars: readonly { name: string; value: number; isOurs: boolean }[];
}

const WIDTH = 820;
/** What a character takes at most, on average; and what names may take together. */
const CHARACTER_WIDTH = 7.6;
const MAX_NAMES_WIDTH = 440;
const VALUES_WIDTH = 80;
const BAR_HEIGHT = 18;
const ROW_HEIGHT = 28;
const HEAD_HEIGHT = 56;

/** Horizontal bars from zero, each with its name and its value in figures. */
export function barChart({ title, unit, bars }: BarChart): string {
  const namesWidth = Math.min(MAX_NAMES_WIDTH, 12 + CHARACTER_WIDTH * Math.max(...bars.map(({ name }) => name.length)));
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const rows = bars.map(({ name, value, isOurs }, index) => {
    const top = HEAD_HEIGHT + index * ROW_HEIGHT;
    const length = (Math.max(0, value) / longest) * (WIDTH - namesWidth - VALUES_WIDTH);
    const middle = top + BAR_HEIGHT / 2 + 4.5;
    return [
      `<text x="${(namesWidth - 10).toFixed(1)}" y="${middle}" text-anchor="end">${escaped(name)}</text>`,
      `<rect class="${isOurs ? 'ours' : 'other'}" x="${namesWidth.toFixed(1)}" y="${top}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
      `<text x="${(namesWidth + length + 8).toFixed(1)}" y="${middle}">${figure(value)}</text>`,
    ].join('\n');
  });
  const description = bars.map(({ name, value }) => `${name}: ${figure(value)}`).join('; ');
  return svgOf(
    {
      width: WIDTH,
      height: HEAD_HEIGHT + bars.length * ROW_HEIGHT + 4,
      title: `${title}, ${unit}`,
      description: `Bars. ${description}.`,
    },
    [
      `<text class="title" x="0" y="18">${escaped(title)}</text>`,
      `<text class="faint" x="0" y="38">${escaped(unit)}</text>`,
      ...rows,
    ],
  );
}
