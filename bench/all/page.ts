import { barChart } from '../charts/bar-chart.ts';
import { figureTable, type Figures } from '../report.ts';
import { table } from '../statistics.ts';
import type { MergedCheck, MergedReport } from './merge-reports.ts';

/** One suite on the page; `failure` where it could not be measured. */
export type Section = { title: string } & ({ report: MergedReport } | { failure: string });

export interface Page {
  markdown: string;
  /** By file name. */
  charts: Map<string, string>;
}

const OURS = /^Portcullis|^portcullis|a worker of Portcullis|: Portcullis|: portcullis/;

/** The page of all suites, and its charts, which it expects in `chartsPath`. */
export function pageOf(sections: readonly Section[], { at, chartsPath }: { at: string; chartsPath: string }): Page {
  const charts = new Map<string, string>();
  const text = sections.map(
    (section) =>
      `## ${section.title}\n\n${'report' in section ? bodyOf(section, chartsPath, charts) : `Not measured: ${section.failure}`}`,
  );
  const [conditions] = sections.flatMap((section) => ('report' in section ? [section.report.conditions] : []));
  const markdown = `# Benchmarks

Written by \`npm run bench\` on ${at.slice(0, 10)}: every suite, each in short rounds among the others, so that a slow spell of the machine meets all of them. Figures are medians over the rounds.

${conditions === undefined ? '' : `${conditions.machine}, Node ${conditions.versions.node}. Load before each suite stands below it; above 1 the machine had other work.\n`}
**What can be quoted** are the ratios under "Ratios": both sides ran in the same round on the same machine and stores, with the durability that is named. Requests a second, milliseconds and CPU-seconds belong to this machine and to what else it did. CPU-seconds for 1,000 operations count the server and every store process that worked for it, and are the least noisy of these. What each figure means, and what was found by profiling, is in [performance.md](performance.md); what others do that this does not is in [peers.md](peers.md).

${text.join('\n\n')}
`;
  return { markdown, charts };
}

function bodyOf(
  { title, report }: { title: string; report: MergedReport },
  chartsPath: string,
  charts: Map<string, string>,
): string {
  const { suite, conditions, figures, checks, rounds } = report;
  const drawn = figures.filter(({ charted }) => charted !== undefined).length;
  const parts = figures.map((one, at) => {
    const chart = chartOf(one, drawn === 1 ? title : `${title}: ${one.title}`);
    const file = `${suite}-${at + 1}.svg`;
    if (chart === undefined) return figureTable(one);
    charts.set(file, chart.svg);
    return `![${chart.alt}](${chartsPath}/${file})\n\n${figureTable(one)}`;
  });
  const versions = Object.entries(conditions.versions).map(([name, version]) => `${name} ${version}`);
  return [
    ...parts,
    checksOf(
      'Ratios',
      checks.filter(({ isRatio }) => isRatio),
    ),
    checksOf(
      'Of this machine',
      checks.filter(({ isRatio }) => !isRatio),
    ),
    `${rounds === 1 ? 'One round' : `${rounds} rounds`}; load ${conditions.loadBefore.toFixed(1)} before. ${conditions.durability}. ${versions.join(', ')}.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function chartOf(
  { columns, rows, charted, isCost = false }: Figures,
  title: string,
): { svg: string; alt: string } | undefined {
  const column = charted === undefined ? undefined : columns[charted];
  if (charted === undefined || column === undefined || rows.length < 2) return undefined;
  const bars = rows.map(({ name, values }) => ({ name, value: values[charted] ?? 0, isOurs: OURS.test(name) }));
  return {
    svg: barChart({ title, unit: `${column.title}, ${isCost ? 'less' : 'more'} is better`, bars }),
    alt: `${title}: ${column.title}, as in the table below`,
  };
}

function checksOf(title: string, checks: readonly MergedCheck[]): string {
  if (checks.length === 0) return '';
  const rows = checks.map((check) => [
    check.title,
    check.value.toFixed(2),
    `${Math.min(...check.values).toFixed(2)} to ${Math.max(...check.values).toFixed(2)}`,
    /[<>]?= /.test(check.title) ? (check.passes ? 'reached' : 'MISSED') : '',
  ]);
  return table([title, 'median', 'rounds', 'mark'], rows);
}
