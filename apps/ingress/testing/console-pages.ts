import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { PASSWORD } from './people.ts';

/** What a page did that it may not: violations of its CSP, errors in its console, requests to other hosts. */
export type Complaints = string[];

/** Answers that a page asks for and expects. */
const EXPECTED = /status of (?:400|401|403|404|413|415|422|429|503)|net::ERR_FAILED/;

/** Notes everything that goes wrong in the pages of a context. */
export async function watch(context: BrowserContext, origin: string): Promise<Complaints> {
  const complaints: Complaints = [];
  await context.exposeFunction('noteViolation', (text: string) => complaints.push(`CSP: ${text}`));
  await context.addInitScript(`addEventListener('securitypolicyviolation', (event) => {
    noteViolation([event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber].join(' '));
  })`);
  context.on('weberror', (error) => complaints.push(`error: ${error.error().message}`));
  context.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text())) complaints.push(`console: ${message.text()}`);
  });
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol.startsWith('http')) complaints.push(`asked another host: ${url.href}`);
  });
  return complaints;
}

export interface ConsoleTab {
  context: BrowserContext;
  page: Page;
  complaints: Complaints;
}

interface ContextMaker {
  newContext(options: BrowserContextOptions): Promise<BrowserContext>;
}

/** A browser of somebody's own, at the sign-in page. */
export async function openConsole(
  browser: ContextMaker,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<ConsoleTab> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Madrid', ...options });
  const complaints = await watch(context, origin);
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  return { context, page, complaints };
}

/** How many bytes come over the wire from now on. */
export async function countBytes(page: Page): Promise<() => number> {
  const devtools = await page.context().newCDPSession(page);
  let bytes = 0;
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await devtools.send('Network.enable');
  await devtools.send('Network.clearBrowserCache');
  return () => bytes;
}

export async function signIn(page: Page, email: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation').waitFor({ state: 'attached' });
}
