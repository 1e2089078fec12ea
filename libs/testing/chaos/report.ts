import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lateIn, type Recovery } from '#testing/chaos/recovery.ts';
import type { ChaosResult } from '#testing/chaos/run.ts';
import { repository } from '#testing/repository.ts';

const DOCUMENT = join(repository, 'docs', 'reliability.md');
const END = '<!-- end of runs -->';

/** What one run saw, for a person. */
export function summaryOf(result: ChaosResult): string {
  const { acknowledged, sent, copies, skipped, lost, doubled, phantom, uploads, sessions } = result;
  const answers = Object.entries(result.answers).map(([what, count]) => `${what}: ${count}`);
  return [
    `${acknowledged} acknowledged of ${sent} sent, and ${copies} copies; ${skipped} not sent because too many waited`,
    `lost ${lost}, doubled ${doubled}, phantom ${phantom}; drained ${result.drainedMs} ms after the last answer`,
    `${uploads.accepted} uploads accepted; ${uploads.swept} files that crashes had left were swept`,
    `${sessions.ended} sessions ended and ${sessions.live} live`,
    `memory judged in ${result.lives} lives of processes`,
    `acknowledgement p50 ${result.ackP50Ms} ms, p99 ${result.ackP99Ms} ms; slowest 503 after ${result.slowest503Ms} ms`,
    answers.join(', '),
  ].join('\n');
}

/** Adds a row for the run to docs/reliability.md. */
export function recordRun(result: ChaosResult): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const at = text.indexOf(END);
  if (at === -1) throw new Error('docs/reliability.md has no place for a run');
  writeFileSync(DOCUMENT, `${text.slice(0, at)}${rowOf(result)}\n${text.slice(at)}`);
}

function rowOf(result: ChaosResult): string {
  const { backend, appendOnly, seed, seconds, rate, acknowledged, copies, lost, doubled, phantom } = result;
  const store = backend === 'redis' ? `redis, AOF ${appendOnly}` : backend;
  const worst = (title: string, what: 'drainedMs' | 'resumedMs'): string => {
    const all = result.recoveries.filter((each) => each.title === title).map((each) => each[what]);
    if (all.length === 0) return '–';
    return all.includes(undefined) ? 'not seen' : `${all.length} ×, ≤ ${Math.max(...(all as number[]))} ms`;
  };
  const cells = [
    new Date().toISOString().slice(0, 10),
    store,
    seed,
    `${Math.round(seconds / 6) / 10} min at ${rate}/s`,
    result.recoveries.length,
    acknowledged,
    copies,
    `${lost} / ${doubled} / ${phantom}`,
    result.uploads.accepted,
    result.sessions.ended,
    worst('kill -9 of a worker', 'drainedMs'),
    worst('the queue wiped', 'resumedMs'),
    worst('Redis replaced by an empty one', 'resumedMs'),
    lateOf(result.recoveries),
    result.violations.length,
  ];
  return `| ${cells.join(' | ')} |`;
}

function lateOf(recoveries: readonly Recovery[]): string {
  const late = recoveries.filter((recovery) => lateIn(recovery).length > 0);
  return late.length === 0 ? 'none' : late.map(({ id, title }) => `${id} ${title}`).join('; ');
}
