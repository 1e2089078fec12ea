// Draws docs/console.png from the pages of the running system, as README shows them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { findCommand } from './find-command.mjs';
import { root } from './paths.mjs';

const directory = process.env.DATA_DIR ?? join(root, '.data');
const read = (name) => JSON.parse(readFileSync(join(directory, name), 'utf8'));
const { settings } = read('running.json');
const admin = read('admin.json');
const origin = settings.PUBLIC_URL;

const browser = await chromium.launch({
  executablePath: findCommand(['chromium', 'chromium-browser', 'google-chrome']),
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
const context = await browser.newContext({
  viewport: { width: 1_280, height: 800 },
  deviceScaleFactor: 1,
  colorScheme: 'light',
  locale: 'en-GB',
});
const page = await context.newPage();
await page.goto(`${origin}/console/${process.argv[2] ?? 'overview'}`);
await page.getByLabel('E-mail').fill(admin.ADMIN_EMAIL);
await page.getByRole('textbox', { name: 'Password' }).fill(admin.ADMIN_PASSWORD);
await page.getByRole('button', { name: 'Sign in' }).click();
await page.getByRole('navigation').waitFor();
// Long enough for the rates of a few heartbeats.
await page.waitForTimeout(Number(process.argv[3] ?? '25') * 1_000);
await page.screenshot({ path: join(root, 'docs', 'console.png') });
await browser.close();
