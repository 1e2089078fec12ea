import { expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { startProcess } from '#testing/process.ts';
import { testSecrets } from '#testing/secrets.ts';
import { WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';
import { sendWrongBody } from '#testing/wrong-bodies.ts';
import { WHATSAPP_PATH } from './testing/sending.ts';

const CONNECTIONS = 100;

it('refuses each of 100 wrong bodies of 3 MB that come at once', { timeout: 60_000 }, async () => {
  const database = await openTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const ingress = await startProcess('apps/ingress/main.ts', {
    env: { ...testSecrets, DATABASE_URL: database.url, WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET, PORT: '0' },
  });
  onTestFinished(() => ingress[Symbol.asyncDispose]());
  const sending = Array.from({ length: CONNECTIONS }, () => sendWrongBody(ingress.port, WHATSAPP_PATH));
  expect(new Set(await Promise.all(sending))).toEqual(new Set([403]));
});
