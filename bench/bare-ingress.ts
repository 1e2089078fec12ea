import { randomBytes } from 'node:crypto';
import { WHATSAPP_TEST_SECRET } from '../libs/testing/whatsapp-load.ts';
import { migrateDatabase, startServer } from './servers.ts';
import type { Stores } from './stores.ts';

/** An ingress with WhatsApp for its one source, on an empty database and with the queue there too. */
export async function startBareIngress(
  stack: AsyncDisposableStack,
  stores: Stores,
  name: string,
): Promise<{ port: number; pid: number }> {
  const { url, ownerUrl } = await stores.database(name);
  const env = {
    DATABASE_URL: url,
    MIGRATE_DATABASE_URL: ownerUrl,
    DATA_DIR: stores.scratch,
    PUBLIC_URL: 'http://localhost',
    TRUST_PROXY: '127.0.0.1/32',
    WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
    SESSION_SECRET: randomBytes(24).toString('hex'),
    CSRF_SECRET: randomBytes(24).toString('hex'),
  };
  await migrateDatabase(env);
  return startServer(stack, 'apps/ingress/main.ts', env);
}
