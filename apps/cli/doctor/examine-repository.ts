import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unknown, well, wrong, type Finding } from './finding.ts';

const LIMIT_MS = 10_000;
const SECRET_FILES = [
  '.env',
  '.env.sources',
  '.env.local',
  '.env.production',
  '.data/secrets.json',
  '.data/admin.json',
];
const run = promisify(execFile);

/** Whether a file with secrets was ever committed: then it is public, also if it was removed since. */
export async function examineRepository(directory: string): Promise<Finding[]> {
  const git = (...args: string[]) => run('git', ['-C', directory, ...args], { timeout: LIMIT_MS });
  try {
    const paths = SECRET_FILES.map((name) => `:(glob)**/${name}`);
    const { stdout } = await git('log', '--all', '--format=', '--name-only', '--diff-filter=A', '--', ...paths);
    const names = [...new Set(stdout.split('\n').filter((line) => line !== ''))];
    if (names.length === 0) return [well('no file with secrets is in the history of git')];
    return names.map((name) =>
      wrong(
        `${name} is in the history of git`,
        'rotate every secret in it, then `git rm --cached` it; removing it from the history alone is not enough',
      ),
    );
  } catch {
    return [unknown('the history of git: there is none here')];
  }
}
