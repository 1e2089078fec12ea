import { ConfigError } from '#runtime/config.ts';
import { UsageError } from './usage-error.ts';

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
  if (isUsage(error) || error instanceof ConfigError) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
