/** One line of the demo's table. */
export interface DemoRow {
  sent: string;
  answer: string;
  latencyMs: number;
  /** The id by which the answer can be found again. */
  reference: string;
  /** What became of it. */
  outcome: string;
}

export interface Demonstration {
  title: string;
  rows: DemoRow[];
}

const HEADINGS = ['sent', 'answer', 'latency', 'id', 'what became of it'];

/** A table as plain text, as wide as its content. */
export function tableOf(rows: readonly DemoRow[]): string {
  const cells = rows.map(({ sent, answer, latencyMs, reference, outcome }) => [
    sent,
    answer,
    `${latencyMs.toFixed(1)} ms`,
    reference,
    outcome,
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(HEADINGS), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n');
}
