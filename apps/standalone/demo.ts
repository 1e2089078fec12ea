import { openPool } from '#database/pool.ts';
import { readConfig } from '#runtime/config.ts';
import { demonstrateAccess } from './demo/access.ts';
import { demonstrateUploads } from './demo/uploads.ts';
import { demonstrateWebhooks } from './demo/webhooks.ts';
import { tableOf } from './demo/step.ts';
import { readRunning } from './running.ts';
import { standaloneSettings } from './settings.ts';

const running = readRunning(readConfig(standaloneSettings).DATA_DIR);
if (running === undefined) {
  process.stderr.write('Nothing is running here: type npm start in another terminal first, then npm run demo again.\n');
  process.exit(1);
}
const pool = openPool(running.settings['DATABASE_URL'] ?? '', {
  name: 'demo',
  max: 1,
  onError: (error) => process.stderr.write(`${error.message}\n`),
});
try {
  for (const demonstrate of [demonstrateWebhooks, demonstrateAccess, demonstrateUploads]) {
    const { title, rows } = await demonstrate(running, pool);
    process.stdout.write(`\n${title}\n\n${tableOf(rows)}\n`);
  }
} finally {
  await pool.end();
}
