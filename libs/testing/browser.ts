import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { spawnTethered } from '#runtime/spawn-tethered.ts';

/** Where Chromium may be. */
export const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const START_LIMIT_MS = 20_000;

/** A page in headless Chromium, driven by the DevTools protocol. */
export interface BrowserPage extends AsyncDisposable {
  goto(url: string): Promise<void>;
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** What the page did against its own Content-Security-Policy, and what it asked other hosts for. */
  readonly complaints: readonly string[];
}

/** Whether this machine has a Chromium: `it.skipIf(!hasBrowser())`. */
export function hasBrowser(): boolean {
  return BROWSERS.some((place) => existsSync(place));
}

/** `headers` go with every request, such as those of basic auth. */
export async function openBrowserPage(headers: Record<string, string> = {}): Promise<BrowserPage> {
  const profile = mkdtempSync(join(inject('services').scratch, 'chromium-'));
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-breakpad',
  ];
  const browser = await spawnTethered(
    BROWSERS.find((place) => existsSync(place)) ?? 'chromium',
    [...flags, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    { endSignal: 'SIGTERM', graceMs: 2_000, cwd: profile },
  );
  const devtools = await openDevtools(await pageAddressOf(profile));
  const complaints: string[] = [];
  let ownOrigin = 'null';
  devtools.on('Audits.issueAdded', ({ issue }) => {
    if (issue.code === 'ContentSecurityPolicyIssue') complaints.push(JSON.stringify(issue.details));
  });
  devtools.on('Network.requestWillBeSent', ({ request }) => {
    const { origin } = new URL(request.url);
    if (origin !== 'null' && origin !== ownOrigin) complaints.push(`asked another host: ${request.url}`);
  });
  for (const domain of ['Page', 'Network', 'Audits', 'Runtime']) await devtools.call(`${domain}.enable`);
  await devtools.call('Network.setExtraHTTPHeaders', { headers });

  const page: BrowserPage = {
    complaints,
    async goto(url) {
      ownOrigin = new URL(url).origin;
      const loaded = new Promise<void>((resolve) => {
        devtools.on('Page.loadEventFired', () => resolve());
      });
      await devtools.call('Page.navigate', { url });
      await loaded;
    },
    async evaluate(expression) {
      const { result } = await devtools.call('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      return result.value;
    },
    async [Symbol.asyncDispose]() {
      devtools.close();
      await browser.stop([['SIGTERM', 5_000]]);
    },
  };
  return page;
}

async function pageAddressOf(profile: string): Promise<string> {
  const file = join(profile, 'DevToolsActivePort');
  for (const limit = Date.now() + START_LIMIT_MS; Date.now() < limit; await sleep(50)) {
    if (!existsSync(file)) continue;
    const [port = ''] = readFileSync(file, 'utf8').split('\n');
    // The file is there before its content is.
    if (port === '') continue;
    const response = await fetch(`http://127.0.0.1:${port}/json/list`);
    const targets = (await response.json()) as { type: string; webSocketDebuggerUrl: string }[];
    const page = targets.find(({ type }) => type === 'page');
    if (page !== undefined) return page.webSocketDebuggerUrl;
  }
  throw new Error('Chromium did not start');
}

/** The few fields of the protocol that are used here. */
interface Parameters {
  issue: { code: string; details: unknown };
  request: { url: string };
}

interface Devtools {
  call(method: string, params?: object): Promise<{ result: { value: unknown } }>;
  on(event: string, listener: (params: Parameters) => void): void;
  close(): void;
}

interface Message {
  id?: number;
  method?: string;
  params: Parameters;
  result: { result: { value: unknown } };
}

async function openDevtools(address: string): Promise<Devtools> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const answers = new Map<number, (result: Message['result']) => void>();
  const listeners = new Map<string, (params: Parameters) => void>();
  let calls = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result } = JSON.parse(String(data)) as Message;
    if (id !== undefined) answers.get(id)?.(result);
    else if (method !== undefined) listeners.get(method)?.(params);
  });
  return {
    call(method, params = {}) {
      calls += 1;
      const id = calls;
      return new Promise((resolve) => {
        answers.set(id, resolve);
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
    on: (event, listener) => void listeners.set(event, listener),
    close: () => socket.close(),
  };
}
