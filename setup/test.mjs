import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrationCheck, runCheck, showResults, staticChecks } from './checks.mjs';
import { missingPrograms } from './system-packages.mjs';
import { faultsWithoutRedis, lastLine, tallyOf } from './tally.mjs';

const REMOVAL_TRIES = 50;
/** For what hangs. A run takes 20 minutes on two slow cores. */
const VITEST_LIMIT_MS = 40 * 60_000;
/** Stores that tests must not take from the shell: they have their own. */
const STORES = ['DATABASE_URL', 'MIGRATE_DATABASE_URL', 'QUEUE_URL', 'REDIS_URL', 'CLAMD_URL'];

const effort = Number(process.env.TEST_EFFORT ?? '1');
const scratch = mkdtempSync(join(tmpdir(), 'portcullis-tests-'));
// Services that root runs as other users pass through it.
chmodSync(scratch, 0o711);
const env = { ...process.env, TMPDIR: scratch };
for (const name of STORES) for (const suffix of ['', '_FILE']) delete env[`${name}${suffix}`];

// A Ctrl-C reaches the checks by themselves; we wait for the one that runs, and tidy up.
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (isInterrupted = true));

const results = [];
for (const check of [...staticChecks, migrationCheck]) {
  results.push(await runCheck({ ...check, env }));
  if (isInterrupted) {
    await removeScratch();
    process.exit(130);
  }
}
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
await removeScratch();
process.stdout.write(`\n${lastLine(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** The services of a run that was killed are still ending, and write while we remove. */
async function removeScratch() {
  for (let tries = 0; tries < REMOVAL_TRIES; tries += 1) {
    try {
      rmSync(scratch, { recursive: true, force: true });
      return;
    } catch {
      await sleep(200);
    }
  }
}

async function runTests(args) {
  const file = join(scratch, 'vitest.json');
  const result = await runCheck({
    title: effort === 1 ? 'tests (vitest)' : `tests (vitest, TEST_EFFORT=${effort})`,
    command: join('node_modules', '.bin', 'vitest'),
    args: ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args],
    env,
    limitMs: VITEST_LIMIT_MS * Math.max(1, effort),
  });
  return { result, tally: tallyOf(reportIn(file), result.passed) };
}

function reportIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
