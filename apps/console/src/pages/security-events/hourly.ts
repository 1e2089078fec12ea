import type { EventCount } from './shapes.ts';
import { typeWords } from './words.ts';

const COLORS = ['indigo.5', 'orange.5', 'teal.5', 'red.5', 'grape.5', 'yellow.6'];
const OTHERS = 'others';
const HOUR_MS = 3_600_000;
const hourText = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export interface HourlyChart {
  rows: Record<string, string | number>[];
  series: { name: string; label: string; color: string }[];
}

/** One row an hour, empty ones too, and one series a type: the most frequent ones, and the others together. */
export function hourly(counts: readonly EventCount[], from: string, to: string): HourlyChart {
  const totals = new Map<string, number>();
  for (const { type, count } of counts) totals.set(type, (totals.get(type) ?? 0) + count);
  const frequent = [...totals].sort((a, b) => b[1] - a[1]).map(([type]) => type);
  const named = frequent.length > COLORS.length ? frequent.slice(0, COLORS.length - 1) : frequent;
  const labels = frequent.length > named.length ? [...named.map(typeWords), OTHERS] : named.map(typeWords);
  // The chart takes a dot in a name for a path.
  const keyOf = (type: string): string => `series${named.includes(type) ? named.indexOf(type) : named.length}`;

  const rows = new Map<number, Record<string, string | number>>();
  const first = Math.floor(Date.parse(from) / HOUR_MS) * HOUR_MS;
  for (let atMs = first; atMs < Date.parse(to); atMs += HOUR_MS) rows.set(atMs, { hour: hourText.format(atMs) });
  for (const { hour, type, count } of counts) {
    const row = rows.get(Date.parse(hour));
    if (row !== undefined) row[keyOf(type)] = Number(row[keyOf(type)] ?? 0) + count;
  }
  return {
    rows: [...rows.values()],
    series: labels.map((label, index) => ({ name: `series${index}`, label, color: COLORS[index] ?? 'gray.5' })),
  };
}
