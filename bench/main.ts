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
};

const [name = '', ...args] = process.argv.slice(2);
const scenario = scenarios[name];
if (scenario === undefined) {
  console.error(`Say what to measure: npm run bench -- ${Object.keys(scenarios).join('|')}`);
  process.exit(1);
}
if (!isInstalled(import.meta.dirname)) await installPackages(process.execPath, import.meta.dirname);
const { run } = await scenario();
process.exitCode = (await run(args)) ? 0 : 1;
