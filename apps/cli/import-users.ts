import { createReadStream } from 'node:fs';
import { importUsers } from '#access/import-users.ts';
import type { AccessContext } from '#access/context.ts';
import { chunksOf } from '#runtime/chunks.ts';
import { readImport, type LineFault } from './read-import.ts';
import { say } from './run-tool.ts';
import { UsageError } from './usage-error.ts';

/** Users of one transaction: large enough to be quick, small enough to hold no lock for long. */
const BATCH = 500;

export interface ImportOptions {
  /** `-` is the standard input. */
  path: string;
  /** Leaves faulty lines out instead of importing nothing. */
  skipsFaulty: boolean;
}

/**
 * Takes over the users of a file and says what became of each line that was not taken.
 * @returns whether everything was done that was asked for.
 */
export async function importFile(
  context: Pick<AccessContext, 'pool' | 'record'>,
  { path, skipsFaulty }: ImportOptions,
): Promise<boolean> {
  const { users, faulty } = await readImport(path === '-' ? process.stdin : createReadStream(path)).catch(asUsage);
  sayFaults(faulty);
  if (faulty.length > 0 && !skipsFaulty) {
    process.stderr.write('nothing was imported: mend these lines, or leave them out with --skip-faulty\n');
    return false;
  }
  let imported = 0;
  try {
    for (const batch of chunksOf(users, BATCH)) {
      imported += (await importUsers(context, batch, { actorKind: 'system' })).length;
    }
  } catch (error) {
    process.stderr.write(`${countOf(imported)} imported before this: repeating it takes the rest\n`);
    throw error;
  }
  say(`${countOf(imported)} imported`);
  const present = users.length - imported;
  if (present > 0)
    say(`${present} ${present === 1 ? 'is' : 'are'} there already, and ${present === 1 ? 'stays' : 'stay'} as before`);
  if (faulty.length > 0) say(`${faulty.length} left out`);
  return true;
}

function sayFaults(faulty: readonly LineFault[]): void {
  for (const { line, faults } of faulty) process.stderr.write(`line ${line}: ${faults.join('; ')}\n`);
}

function countOf(users: number): string {
  return `${users} ${users === 1 ? 'user was' : 'users were'}`;
}

/** A file that can't be read. */
function asUsage(error: unknown): never {
  if (error instanceof Error && 'code' in error && 'path' in error) throw new UsageError(error.message);
  throw error;
}
