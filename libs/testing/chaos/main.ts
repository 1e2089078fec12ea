import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { recordRun, summaryOf } from '#testing/chaos/report.ts';
import { lateIn } from '#testing/chaos/recovery.ts';
import { runChaos } from '#testing/chaos/run.ts';
import { runOnSmallDisks } from '#testing/chaos/small-disks.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    queue: { type: 'string', default: 'redis' },
    rate: { type: 'string', default: '50' },
    uploads: { type: 'string', default: '5' },
    people: { type: 'string', default: '6' },
    fault: { type: 'string' },
    'fault-seconds': { type: 'string', default: '8' },
    disks: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
});
const NEEDS_DISKS = 'F16';
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const { queue } = values;
if (queue !== 'redis' && queue !== 'postgres' && queue !== 'sentinel')
  throw new Error('--queue is redis, postgres or sentinel');
if (values.fault === NEEDS_DISKS && values.disks === undefined) {
  const code = await runOnSmallDisks(process.argv.slice(2));
  if (code === undefined) say(`left out: ${NEEDS_DISKS}, because nobody may mount a file system here (unshare -rm)`);
  process.exit(code ?? 0);
}
say(`seed ${values.seed}; the same run again: --seed ${values.seed} --queue ${queue}`);
const result = await runChaos({
  backend: queue,
  seed: Number(values.seed),
  seconds: Number(values.minutes) * 60,
  rate: Number(values.rate),
  uploadRate: Number(values.uploads),
  people: Number(values.people),
  fault: values.fault,
  disks: values.disks,
  faultSeconds: Number(values['fault-seconds']),
  say,
});
say(summaryOf(result));
if (values.record) recordRun(result);
const late = result.recoveries.flatMap((recovery) =>
  lateIn(recovery).map((what) => `${recovery.id} ${recovery.title}: ${what}`),
);
for (const each of late) say(`✗ ${each}`);
for (const violation of result.violations) say(`✗ ${violation}`);
process.exit(late.length + result.violations.length === 0 ? 0 : 1);
