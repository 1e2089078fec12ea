import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { recordRun, summaryOf } from '#testing/chaos/report.ts';
import { isLate } from '#testing/chaos/recovery.ts';
import { runChaos } from '#testing/chaos/run.ts';

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
    record: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
if (values.queue !== 'redis' && values.queue !== 'postgres') throw new Error('--queue is redis or postgres');
say(`seed ${values.seed}; the same run again: --seed ${values.seed} --queue ${values.queue}`);
const result = await runChaos({
  backend: values.queue,
  seed: Number(values.seed),
  seconds: Number(values.minutes) * 60,
  rate: Number(values.rate),
  uploadRate: Number(values.uploads),
  people: Number(values.people),
  fault: values.fault,
  faultSeconds: Number(values['fault-seconds']),
  say,
});
say(summaryOf(result));
if (values.record) recordRun(result);
const late = result.recoveries.filter(isLate);
for (const { id, title, mark } of late) say(`✗ ${id} ${title}: not ${mark?.what} within ${mark?.ms} ms`);
for (const violation of result.violations) say(`✗ ${violation}`);
process.exit(late.length + result.violations.length === 0 ? 0 : 1);
