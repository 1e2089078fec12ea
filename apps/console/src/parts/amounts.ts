const numbers = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'];

export function count(value: number): string {
  return numbers.format(value);
}

export function bytes(value: number): string {
  const step = value < 1_000 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), UNITS.length - 1);
  const scaled = value / 1_000 ** step;
  return `${scaled.toLocaleString(undefined, { maximumFractionDigits: step === 0 ? 0 : 1 })} ${UNITS[step]}`;
}

export function seconds(value: number): string {
  if (value < 0.001) return `${Math.round(value * 1_000_000)} µs`;
  if (value < 1) return `${(value * 1_000).toLocaleString(undefined, { maximumFractionDigits: 1 })} ms`;
  if (value < 120) return `${value.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
  if (value < 7_200) return `${Math.round(value / 60)} min`;
  if (value < 172_800) return `${Math.round(value / 3_600)} h`;
  return `${Math.round(value / 86_400)} d`;
}
