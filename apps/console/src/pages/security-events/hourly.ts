import type { EventCount } from './shapes.ts';

const COLORS = ['indigo.5', 'orange.5', 'teal.5', 'red.5', 'grape.5', 'yellow.6'];
const OTHERS = 'others';
const hourText = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export interface HourlyChart {
  rows: Record<string, string | number>[];
  series: { name: string; color: string }[];
}

/** One row an hour, one series a type: the most frequent by name, the others together. */
export function hourly(counts: readonly EventCount[]): HourlyChart {
  const totals = new Map<string, number>();
  for (const { type, count } of counts) totals.set(type, (totals.get(type) ?? 0) + count);
  const frequent = [...totals].sort((a, b) => b[1] - a[1]).map(([type]) => type);
  const named = frequent.slice(0, frequent.length > COLORS.length ? COLORS.length - 1 : COLORS.length);
  const hours = new Map<string, Record<string, string | number>>();
  for (const { hour, type, count } of [...counts].sort((a, b) => a.hour.localeCompare(b.hour))) {
    const row = hours.get(hour) ?? { hour: hourText.format(new Date(hour)) };
    const name = named.includes(type) ? type : OTHERS;
    row[name] = Number(row[name] ?? 0) + count;
    hours.set(hour, row);
  }
  const names = frequent.length > named.length ? [...named, OTHERS] : named;
  return {
    rows: [...hours.values()],
    series: names.map((name, index) => ({ name, color: COLORS[index] ?? 'gray.5' })),
  };
}
