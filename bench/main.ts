import { isInstalled, installPackages } from '../setup/packages.mjs';

const scenarios: Record<string, () => Promise<{ run: (args: string[]) => Promise<boolean> }>> = {
  webhooks: () => import('./webhooks.ts'),
  access: () => import('./access.ts'),
  uploads: () => import('./uploads.ts'),
  verify: () => import('./verify.ts'),
  audit: () => import('./audit.ts'),
  limits: () => import('./limits.ts'),
  headers: () => import('./headers.ts'),
  queues: () => import('./queues.ts'),
  soak: () => import('./soak.ts'),
  rows: () => import('./rows.ts'),
  sweeps: () => import('./sweeps.ts'),
  bodies: () => import('./bodies.ts'),
  flood: () => import('./flood.ts'),
};

const [first = '', ...others] = process.argv.slice(2);
/** Without a name: all of them. */
const isAll = first === '' || first.startsWith('--');
const args = isAll ? process.argv.slice(2) : others;
const scenario = isAll ? () => import('./all/run.ts') : scenarios[first];
if (scenario === undefined) {
  console.error(`Nothing is called ${first}: npm run bench -- ${Object.keys(scenarios).join('|')}, or nothing for all`);
  process.exit(1);
}
if (!isInstalled(import.meta.dirname)) await installPackages(process.execPath, import.meta.dirname);
const { run } = await scenario();
process.exitCode = (await run(args)) ? 0 : 1;
