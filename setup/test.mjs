import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrationCheck, runCheck, showResults, staticChecks } from './checks.mjs';
import { root } from './paths.mjs';
import { missingPrograms } from './system-packages.mjs';
import { faultsWithoutRedis, lastLine, tallyOf } from './tally.mjs';

const VITEST_LIMIT_MS = 25 * 60_000;
/** Stores that tests must not take from the shell: they have their own. */
const STORES = ['DATABASE_URL', 'MIGRATE_DATABASE_URL', 'QUEUE_URL', 'REDIS_URL', 'CLAMD_URL'];

const effort = Number(process.env.TEST_EFFORT ?? '1');
const env = { ...process.env };
for (const name of STORES) for (const suffix of ['', '_FILE']) delete env[`${name}${suffix}`];

const results = [];
for (const check of [...staticChecks, migrationCheck]) results.push(await runCheck({ ...check, env }));
const isRedisMissing = missingPrograms(['redis']).length > 0;
if (isRedisMissing) {
  process.stdout.write('\n── redis\nNo Redis server on this machine: the tests that need it are SKIPPED\n');
  results.push(...faultsWithoutRedis(process.env));
}

const { result, tally } = await runTests(process.argv.slice(2));
showResults([...results, result]);
const passed = results.filter((check) => check.passed).length;
const total = {
  passed: tally.passed + passed,
  failed: tally.failed + results.length - passed,
  skipped: tally.skipped,
};
process.stdout.write(`\n${lastLine(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function runTests(args) {
  const directory = join(root, '.cache');
  const file = join(directory, `tests-${process.pid}.json`);
  mkdirSync(directory, { recursive: true });
  const result = await runCheck({
    title: effort === 1 ? 'tests (vitest)' : `tests (vitest, TEST_EFFORT=${effort})`,
    command: join('node_modules', '.bin', 'vitest'),
    args: ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args],
    env,
    limitMs: VITEST_LIMIT_MS * Math.max(1, effort),
  });
  const tally = tallyOf(reportIn(file), result.passed);
  rmSync(file, { force: true });
  return { result, tally };
}

function reportIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
