import { ConfigError } from '#runtime/config.ts';
import { UsageError } from './usage-error.ts';

const NOTHING_RUNS =
  'No system runs from this DATA_DIR: type npm start in another terminal, or set DATABASE_URL to that of yours';
const LOOK = 'npm run doctor looks for what is wrong';

/** Runs a command-line tool, or says how it is called with --help: exits 0 if all was as expected, 1 if not, 2 if it was called wrongly. */
export async function runTool(usage: string, work: () => Promise<boolean>): Promise<void> {
  if (process.argv.includes('--help')) return say(usage);
  try {
    process.exitCode = (await work()) ? 0 : 1;
  } catch (error) {
    process.exitCode = 2;
    process.stderr.write(`${messageOf(error)}\n`);
    if (isUsage(error)) process.stderr.write(`\n${usage}\n`);
  }
}

export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Node's parseArgs throws TypeErrors with codes of its own. */
function isUsage(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function messageOf(error: unknown): string {
  if (isUsage(error)) return (error as Error).message;
  if (error instanceof ConfigError) {
    const isNothingKnown = error.faults.includes('DATABASE_URL: required');
    return isNothingKnown ? `${error.message}\n${NOTHING_RUNS}` : error.message;
  }
  // Both addresses of a name were tried.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return String(first);
  if (!isOfSystem(first)) return first.stack ?? first.message;
  return 'path' in first ? first.message : `${first.message}\n${LOOK}`;
}

/** ECONNREFUSED, 28P01 (no such password), 42P01 (no such table) and the like: what is around us is at fault, not this program. */
function isOfSystem(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return /^(?:E(?!RR_)[A-Z]+|(?:08|28|3D|53|57)\w{3}|42P01)$/.test(code);
}
