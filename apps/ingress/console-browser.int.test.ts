import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { issueReset } from '#access/reset-password.ts';
import type { Role } from '#access/user.ts';
import { record } from '#audit/record.ts';
import { environment } from '#runtime/config.ts';
import { hasBrowser } from '#testing/browser.ts';
import { openChromium } from '#testing/chromium.ts';
import { effort, limitFor } from '#testing/effort.ts';
import { hasRedis, startRedis } from '#testing/redis.ts';
import { startSystem, type TestSystem } from '#testing/system.ts';
import { sendMessages } from '#testing/whatsapp-load.ts';
import { countBytes, openConsole, signIn, type ConsoleTab } from './testing/console-pages.ts';
import { makeUser } from './testing/people.ts';

/** Of the sign-in page, and of a page for somebody who is signed in. */
const FIRST_LOAD_LIMIT_BYTES = { signIn: 140_000, signedIn: 200_000 };
const HOUR_MS = 3_600_000;
const PAGES = {
  overview: 'Overview',
  receipts: 'Receipts',
  'security-events': 'Security events',
  users: 'Users',
  tokens: 'API tokens',
  uploads: 'Uploads',
  sessions: 'My sessions',
  api: 'API',
};
const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1_280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1_280, height: 900 } },
  narrow: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
} as const;
/** Joined here, so that no scanner takes this file for what it tests. */
const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('');
interface ApiDocument {
  paths: Record<string, Record<string, unknown>>;
}
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.skipIf(!hasBrowser())('the console in Chromium', { timeout: limitFor(120_000) }, () => {
  let system: TestSystem;
  let browser: Browser;
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(), openChromium()]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await system?.[Symbol.asyncDispose]();
  });

  let made = 0;
  async function newEmail(role: Role = 'user'): Promise<string> {
    made += 1;
    const email = `${role}-${made}@example.com`;
    await makeUser(system.database.pool, { email, role });
    return email;
  }

  async function open(options: Parameters<typeof openConsole>[2] = {}): Promise<ConsoleTab> {
    const tab = await openConsole(browser, system.origin, options);
    onTestFinished(async () => {
      await tab.context.close();
      expect(tab.complaints).toEqual([]);
    });
    return tab;
  }

  const go = async (page: Page, path: keyof typeof PAGES): Promise<void> => {
    await page.goto(`${system.origin}/console/${path}`);
    await heading(page, PAGES[path]).waitFor();
  };
  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });

  it('loads little, says what is wrong with a password, and signs in by keyboard alone', async () => {
    const { page, context } = await open();
    const loadedBytes = await countBytes(page);
    await page.reload();
    const email = await newEmail('admin');
    await page.getByLabel('E-mail').press('Tab');
    await page.getByLabel('E-mail').fill(email);
    await page.keyboard.press('Tab');
    await page.keyboard.type('not the right password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('E-mail address or password is wrong.').waitFor();
    expect(loadedBytes()).toBeGreaterThan(50_000);
    expect(loadedBytes()).toBeLessThan(FIRST_LOAD_LIMIT_BYTES.signIn);
    await page.getByRole('textbox', { name: 'Password' }).press('ControlOrMeta+A');
    await page.keyboard.type('correct horse battery staple 42');
    await page.keyboard.press('Enter');
    await heading(page, 'Overview').waitFor();

    const kept = await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })');
    expect(kept).not.toMatch(/eyJ|refresh|token/i);
    const cookies = await context.cookies();
    expect(cookies.find(({ name }) => name === '__Host-refresh')).toMatchObject({
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
    });
  });

  it('sets a password by a link, which works once', async () => {
    const { page } = await open();
    const email = await newEmail();
    const { pool } = system.database;
    const { rows } = await pool.query<{ id: string }>('select id from app_user where email = $1', [email]);
    const userId = rows[0]?.id ?? '';
    const secret = await issueReset({ pool, record }, { userId, actor: { actorKind: 'system' } });
    const set = async (password: string): Promise<void> => {
      await page.goto('about:blank');
      await page.goto(`${system.origin}/console/reset#${secret}`);
      await page.getByRole('textbox', { name: 'New password' }).fill(password);
      await page.getByRole('button', { name: 'Set password' }).click();
    };
    await set('short');
    await page.getByText('The password is not acceptable').waitFor();
    await set('otters juggle at night');
    await page.getByText('Your password is set.').waitFor();
    await page.getByRole('link', { name: 'Go to the sign-in' }).click();
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('textbox', { name: 'Password' }).fill('otters juggle at night');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Uploads').waitFor();
    await set('badgers paint by moonlight');
    await page.getByText('This link does not work any more').waitFor();
    expect(await page.getByText('Your password is set.').count()).toBe(0);
  });

  it('hides passwords, and lets them be pasted and kept by a password manager', async () => {
    const { page } = await open();
    const field = page.getByRole('textbox', { name: 'Password' });
    await page.getByLabel('E-mail').fill('pasted@example.com');
    await page.getByLabel('E-mail').press('ControlOrMeta+A');
    await page.getByLabel('E-mail').press('ControlOrMeta+C');
    await field.press('ControlOrMeta+V');
    expect(await field.inputValue()).toBe('pasted@example.com');
    expect(await field.getAttribute('type')).toBe('password');
    expect(await field.getAttribute('autocomplete')).toBe('current-password');
    expect(await page.getByLabel('E-mail').getAttribute('autocomplete')).toBe('username');
  });

  it('loads little also for somebody who is signed in', async () => {
    const { page } = await open();
    await signIn(page, await newEmail());
    await go(page, 'sessions');
    const loadedBytes = await countBytes(page);
    await page.reload();
    await heading(page, 'My sessions').waitFor();
    await page.waitForLoadState('networkidle');
    expect(loadedBytes()).toBeGreaterThan(100_000);
    expect(loadedBytes()).toBeLessThan(FIRST_LOAD_LIMIT_BYTES.signedIn);
  });

  it('keeps five tabs signed in that refresh at once, again and again', async () => {
    const { page, context } = await open();
    await signIn(page, await newEmail());
    const tabs = [page, ...(await Promise.all([1, 2, 3, 4].map(() => context.newPage())))];
    await Promise.all(tabs.map((tab) => go(tab, 'sessions')));
    // Every access token that was seen is refused, as if it had expired.
    const refused = new Set<string>();
    const seen = new Set<string>();
    let refreshes = 0;
    await context.route('**/api/**', async (route) => {
      const headers = await route.request().allHeaders();
      const token = headers['authorization'];
      if (route.request().url().endsWith('/api/auth/refresh')) refreshes += 1;
      if (token !== undefined) seen.add(token);
      const isRefused = token !== undefined && refused.has(token);
      await route.continue(
        isRefused ? { headers: { ...headers, authorization: 'Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA' } } : {},
      );
    });
    for (let round = 0; round < effort(2, 20); round += 1) {
      await Promise.all(tabs.map((tab) => tab.reload()));
      await Promise.all(tabs.map((tab) => heading(tab, 'My sessions').waitFor()));
      for (const token of seen) refused.add(token);
      await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Uploads' }).click()));
      await Promise.all(tabs.map((tab) => tab.getByText('Nothing was sent yet.').waitFor()));
      await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'My sessions' }).click()));
      await Promise.all(tabs.map((tab) => heading(tab, 'My sessions').waitFor()));
    }
    expect(refreshes).toBeGreaterThanOrEqual(10);
    const { rows } = await system.database.pool.query(
      "select count(*)::int as n from security_event where type = 'refresh.reused'",
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('signs all tabs out together', async () => {
    const { page, context } = await open();
    await signIn(page, await newEmail());
    const other = await context.newPage();
    await go(other, 'sessions');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    for (const tab of [page, other]) await tab.getByText('You have signed out.').waitFor();
    await other.reload();
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    expect((await context.cookies()).map(({ name }) => name)).toEqual(['__Host-device']);
  });

  it("ends another device's session, which is signed out and told why", async () => {
    const email = await newEmail();
    const [mine, other] = await Promise.all([
      open(),
      open({
        userAgent:
          'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      }),
    ]);
    await signIn(mine.page, email);
    await signIn(other.page, email);
    await go(mine.page, 'sessions');
    await mine.page.getByRole('button', { name: /^End: .*iPhone|^End: .*iOS/ }).click();
    await mine.page.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click();
    await mine.page.getByText('The session is ended.').waitFor();
    await other.page.getByRole('link', { name: 'My sessions' }).click();
    await other.page.getByText('This session was ended, on another device or by an admin.').waitFor();
    await mine.page.reload();
    await heading(mine.page, 'My sessions').waitFor();
    await expect.poll(() => mine.page.getByRole('row').count()).toBe(2);
  });

  it('sends files, follows them to clean or infected, and hands out what is clean', async (context) => {
    context.skip(!system.hasScanner, 'no clamd on this machine');
    const { page } = await open();
    await signIn(page, await newEmail());
    await go(page, 'uploads');
    await page.getByLabel('Files to send').setInputFiles([
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('a note on a ticket\n') },
      { name: 'invoice.txt', mimeType: 'text/plain', buffer: Buffer.from(EICAR) },
    ]);
    const row = (name: string) => page.getByRole('row').filter({ hasText: name });
    await row('notes.txt').getByText('Clean').waitFor({ timeout: 60_000 });
    await row('invoice.txt').getByText('Infected').waitFor({ timeout: 60_000 });
    await row('invoice.txt').getByText('The file was destroyed.').waitFor();
    expect(
      await row('invoice.txt')
        .getByRole('button', { name: /Download/ })
        .count(),
    ).toBe(0);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      row('notes.txt')
        .getByRole('button', { name: /Download/ })
        .click(),
    ]);
    expect(download.suggestedFilename()).toBe('notes.txt');
    expect(readFileSync(await download.path(), 'utf8')).toBe('a note on a ticket\n');
    await page
      .getByLabel('Files to send')
      .setInputFiles([{ name: 'program.exe', mimeType: 'application/x-msdownload', buffer: Buffer.from('MZ') }]);
    await page.getByText('Files of this type are not taken').waitFor();
  });

  it('finds a receipt, shows it masked, reveals it, and replays it', async () => {
    await sendMessages(system.ingress.origin, 'console', 3, 1);
    const { page } = await open();
    await signIn(page, await newEmail('admin'));
    await go(page, 'receipts');
    await page.getByLabel('Source').fill('whatsapp');
    await expect.poll(() => page.url()).toContain('source=whatsapp');
    await page.getByRole('row').nth(1).getByRole('link').click();
    await heading(page, 'Receipt').waitFor();
    await page.getByText('•••').first().waitFor();
    await page.getByRole('button', { name: 'Reveal' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reveal' }).click();
    await expect.poll(() => page.getByText('•••').count()).toBe(0);
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
    await page.getByText('The receipt is replayed.').waitFor();
    await go(page, 'receipts');
    await page.getByRole('button', { name: 'Replay matching…' }).click();
    await page
      .getByRole('dialog')
      .getByText(/would be replayed/)
      .waitFor();
    const { rows } = await system.database.pool.query(
      "select type from security_event where type in ('receipt.revealed', 'receipt.replayed') order by occurred_at",
    );
    expect(rows.map(({ type }) => type)).toEqual(['receipt.revealed', 'receipt.replayed']);
  });

  it('makes a user and a token, which is shown once', async () => {
    const { page } = await open();
    await signIn(page, await newEmail('admin'));
    await go(page, 'users');
    await page.getByRole('button', { name: 'New user' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Ada Lovelace');
    await dialog.getByLabel('E-mail').fill('ada@example.com');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row').filter({ hasText: 'ada@example.com' }).waitFor();
    await go(page, 'tokens');
    await page.getByRole('button', { name: 'New token' }).click();
    await dialog.getByLabel('Name').fill('Nightly export');
    await dialog.getByLabel('See receipts').check();
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText('Copy it now').waitFor();
    const token = (await dialog.locator('pre').innerText()).trim();
    const answer = await fetch(`${system.ingress.origin}/api/webhook-logs`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('row').filter({ hasText: 'Nightly export' }).waitFor();
    expect(await page.content()).not.toContain(token);
  });

  it('shows every call of the API, finds one and tells all about it', async () => {
    const { page } = await open();
    await signIn(page, await newEmail());
    await go(page, 'api');
    const { paths } = (await (await fetch(`${system.origin}/api/openapi.json`)).json()) as ApiDocument;
    const calls = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((by) => `${by}${path}`));
    const controls = page.getByRole('main').getByRole('heading', { level: 3 });
    await expect.poll(() => controls.count()).toBe(calls.length);
    const shown = await page.getByRole('main').getByRole('heading', { level: 3 }).allInnerTexts();
    expect(shown.map((text) => text.toLowerCase().split('\n').slice(0, 2).join('')).toSorted()).toEqual(
      calls.map((call) => call.toLowerCase()).toSorted(),
    );
    await page.getByLabel('Find a call').fill('post users');
    await expect.poll(() => page.url()).toContain('find=post+users');
    await page.getByRole('button', { name: /Makes a user/ }).click();
    await page.getByText('Signed in as admin, or an API token with users:write.').waitFor();
    await page.getByRole('region', { name: 'Command for createUser' }).getByText(`"role":"user"`).waitFor();
    const body = page.getByRole('region', { name: 'Body of createUser' });
    await body.getByRole('row').filter({ hasText: 'password?' }).waitFor();
    await body.getByRole('row').filter({ hasText: 'user | agent | admin' }).waitFor();
    await page.getByText('email-taken: ').waitFor();
  });

  it.each(Object.entries(LOOKS))('keeps every page accessible and in its width, %s', async (look, options) => {
    await sendMessages(system.ingress.origin, look, 2, 1);
    const { page } = await open(options);
    const shots = join(environment()['SCREENSHOTS'] ?? inject('services').scratch, 'console');
    mkdirSync(shots, { recursive: true });
    const check = async (name: string): Promise<void> => {
      await page.waitForLoadState('networkidle');
      // What still fades in has not its own colours yet.
      await page.evaluate('Promise.allSettled(document.getAnimations().map((animation) => animation.finished))');
      await page.screenshot({ path: join(shots, `${name}-${look}.png`), fullPage: true });
      expect([name, await violationsOf(page)]).toEqual([name, []]);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect([name, overflow]).toEqual([name, 0]);
    };
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await check('sign-in');
    await page.goto(`${system.origin}/console/reset#none`);
    await page.getByRole('button', { name: 'Set password' }).waitFor();
    await check('set-password');
    await page.goto(`${system.origin}/console/`);
    await signIn(page, await newEmail('admin'));
    for (const path of Object.keys(PAGES) as (keyof typeof PAGES)[]) {
      await go(page, path);
      await check(path);
    }
    await go(page, 'receipts');
    await page
      .getByRole('link')
      .filter({ has: page.locator('time') })
      .first()
      .click();
    await heading(page, 'Receipt').waitFor();
    await check('receipt');
    await go(page, 'api');
    await page.getByRole('button', { name: /Makes a user/ }).click();
    await page.getByRole('region', { name: 'Command for createUser' }).waitFor();
    await check('api-call');
    await go(page, 'users');
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByRole('dialog').getByLabel('Name').waitFor();
    await check('new-user');
  });

  it('stays signed in through a frozen tab, a way back through the cache, and clocks that are an hour off', async () => {
    for (const offMs of [-HOUR_MS, 0, HOUR_MS]) {
      const { page, context } = await open();
      await context.addInitScript(`{ const { now } = Date; Date.now = () => now() + ${offMs}; }`);
      await page.reload();
      await signIn(page, await newEmail());
      await go(page, 'sessions');

      const devtools = await context.newCDPSession(page);
      await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
      await devtools.send('Page.setWebLifecycleState', { state: 'active' });
      await page.getByRole('link', { name: 'Uploads' }).click();
      await page.getByText('Nothing was sent yet.').waitFor();

      await page.goto('about:blank');
      await page.goBack();
      await page.getByRole('link', { name: 'My sessions' }).click();
      await page.getByRole('row').filter({ hasText: 'this one' }).waitFor();
      expect(await page.getByRole('row').count()).toBe(2);
    }
  });

  it('stays signed in while the ingress can not be reached, and goes on when it can', async () => {
    const { page, context } = await open();
    await signIn(page, await newEmail());
    await go(page, 'sessions');
    await context.route('**/api/**', (route) => route.abort());
    await page.getByRole('link', { name: 'Uploads' }).click();
    await page.getByText('The server can not be reached. Check your connection.').waitFor({ timeout: 30_000 });
    await context.unroute('**/api/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Nothing was sent yet.').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});

describe.skipIf(!hasBrowser() || !hasRedis())('the console with Redis behind it', { timeout: 120_000 }, () => {
  it('stays signed in through a restart of Redis', async () => {
    const stack = new AsyncDisposableStack();
    onTestFinished(() => stack.disposeAsync());
    const redis = stack.use(await startRedis());
    const system = stack.use(await startSystem({ QUEUE_URL: redis.url, REDIS_URL: redis.url }));
    const browser = stack.adopt(await openChromium(), (opened) => opened.close());
    const { email } = await makeUser(system.database.pool, { email: 'redis@example.com' });
    const { page, complaints } = await openConsole(browser, system.origin);
    await signIn(page, email);
    const visit = async (link: string, seen: string): Promise<void> => {
      await page.getByRole('link', { name: link }).click();
      await page.getByText(seen).waitFor();
    };
    await visit('My sessions', 'this one');
    redis.signal('SIGKILL');
    await redis.ended();
    await page.reload();
    await visit('Uploads', 'Nothing was sent yet.');
    await redis.restart();
    await page.reload();
    await visit('My sessions', 'this one');
    expect(complaints).toEqual([]);
  });
});

async function violationsOf(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  // Not from the page's own world: its CSP has no place for a test's script.
  await session.send('Runtime.evaluate', { expression: axe });
  const { result } = await session.send('Runtime.evaluate', {
    expression:
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map((node) => node.html).join(" ")))',
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return result.value as string[];
}
