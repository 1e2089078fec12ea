import { runCheck, showResults, staticChecks } from './checks.mjs';

const results = [];
for (const check of staticChecks) results.push(await runCheck(check));
showResults(results);
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
