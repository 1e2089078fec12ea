import { parseArgs } from 'node:util';
import { environment } from '#runtime/config.ts';
import { examineBackups } from './doctor/examine-backups.ts';
import { examineDatabase } from './doctor/examine-database.ts';
import { examineDoors } from './doctor/examine-doors.ts';
import { examineQueue } from './doctor/examine-queue.ts';
import { examineRepository } from './doctor/examine-repository.ts';
import { examineScanner } from './doctor/examine-scanner.ts';
import { examineSecrets } from './doctor/examine-secrets.ts';
import { examineStorage } from './doctor/examine-storage.ts';
import type { Finding } from './doctor/finding.ts';
import { findRunningSystem } from './running-system.ts';
import { runTool, say } from './run-tool.ts';

const USAGE = `npm run doctor -- [--backups <directory>]

  looks at secrets, git, database, queue, scanner, files, clocks, backups and open doors; exits 1 if something is wrong,
  and says what to do about it. Shows no secret and changes nothing.`;

const MARKS: Record<Finding['state'], string> = { well: '✓', 'worth-a-look': '!', wrong: '✗', unknown: '?' };

await runTool(USAGE, async () => {
  const { values } = parseArgs({ options: { backups: { type: 'string' } } });
  const { env, ingress, board } = findRunningSystem(environment());
  const groups = [
    examineSecrets(env),
    await examineRepository('.'),
    await examineDatabase(env),
    await examineQueue(env),
    await examineScanner(env),
    await examineStorage(env),
    await examineBackups(env, values.backups),
    await examineDoors(env, { ingress, board }),
  ];
  const findings = groups.flat();
  for (const { state, text, fix } of findings) {
    say(`${MARKS[state]} ${text}`);
    if (fix !== undefined) say(`  → ${fix}`);
  }
  const count = findings.filter(({ state }) => state === 'wrong').length;
  say(count === 0 ? '\nNothing is wrong.' : `\n${count} thing${count === 1 ? ' is' : 's are'} wrong.`);
  return count === 0;
});
