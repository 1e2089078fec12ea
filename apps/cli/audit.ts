import { parseArgs } from 'node:util';
import { trailState } from '#audit/trail-state.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { databaseSettings, openPool, type Pool } from '#database/pool.ts';
import { environment, readConfig } from '#runtime/config.ts';
import { chainFaultText } from './chain-fault-text.ts';
import { exportToFile, exportToOutput } from './export-events.ts';
import { findRunningSystem } from './running-system.ts';
import { runTool, say } from './run-tool.ts';
import { UsageError } from './usage-error.ts';

const USAGE = `npm run audit -- verify [--seal <number>:<hash>]
npm run audit -- export --to <file>
npm run audit -- export [--after <position>]

  verify   walks the whole chain, and names the first event or seal that is not as it was sealed
             --seal   a seal that an earlier verify has shown and that was kept elsewhere: without one, a cut-off
                      end of the chain can't be noticed
  export   writes sealed events as JSON Lines; with --to it goes on where the file ends, also after kill -9`;

const DATABASE_CONNECTIONS = 3;

const commands: Record<string, (pool: Pool, options: Options) => Promise<boolean>> = {
  async verify(pool, { seal }) {
    const verdict = await verifyChain(pool, { anchor: anchorOf(seal) });
    const { unsealed } = await trailState(pool);
    if (verdict.fault !== undefined) {
      say(`✗ ${chainFaultText(verdict.fault)}`);
      return false;
    }
    say(`✓ ${verdict.events} events under ${verdict.seals} seals are as they were sealed`);
    if (verdict.pruned > 0) say(`  ${verdict.pruned} more were of months that the retention has dropped`);
    if (unsealed > 0) say(`  ${unsealed} are not sealed yet`);
    if (verdict.head !== undefined) {
      say(`  newest seal: ${verdict.head.number}:${verdict.head.hash}`);
      if (seal === undefined) say('  Keep it elsewhere and give it to the next verify with --seal.');
    }
    return true;
  },
  async export(pool, { to, after }) {
    if (to !== undefined && after !== undefined) throw new UsageError('--to finds out by itself where to go on');
    if (to === undefined) {
      await exportToOutput(pool, positionOf(after));
      return true;
    }
    const { from, through } = await exportToFile(pool, to);
    say(through < from ? `nothing new in ${to}` : `wrote ${from} to ${through} to ${to}`);
    return true;
  },
};

interface Options {
  seal?: string | undefined;
  to?: string | undefined;
  after?: string | undefined;
}

await runTool(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seal: { type: 'string' }, to: { type: 'string' }, after: { type: 'string' } },
  });
  const [command = '', ...more] = positionals;
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined || more.length > 0) throw new UsageError('what is to be done?');
  const { DATABASE_URL } = readConfig({ ...databaseSettings }, findRunningSystem(environment()).env);
  const pool = openPool(DATABASE_URL, {
    name: 'audit-tool',
    max: DATABASE_CONNECTIONS,
    statementMs: 60_000,
    onError: () => undefined,
  });
  try {
    return await run(pool, values);
  } finally {
    await pool.end();
  }
});

function anchorOf(text: string | undefined): { number: number; hash: string } | undefined {
  if (text === undefined) return undefined;
  const [, number, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined) throw new UsageError('--seal is a number, a colon and 64 hex digits');
  return { number: Number(number), hash };
}

function positionOf(text = '0'): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError('--after is a position');
  return Number(text);
}
