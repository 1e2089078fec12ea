import { randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '#runtime/free-port.ts';
import { hasBrowser } from '#testing/browser.ts';
import { openChromium } from '#testing/chromium.ts';
import { startProcess, type TestProcess } from '#testing/process.ts';
import { startSystem, type TestSystem } from '#testing/system.ts';
import { eicar } from '#uploads/test-signatures.ts';
import { sendMessages } from '#testing/whatsapp-load.ts';
import { makeUser, openClient, PASSWORD } from './testing/people.ts';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

describe('the example application behind it', { timeout: 120_000 }, () => {
  let system: TestSystem;
  let host: TestProcess;
  let hostUrl: string;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    const port = await freePort();
    hostUrl = `http://localhost:${port}`;
    system = stack.use(
      await startSystem({
        CLIENT_URL: hostUrl,
        FORWARD_URL: `http://127.0.0.1:${port}/webhooks/portcullis`,
        FORWARD_SECRET: SECRET,
        FORWARD_ALLOW_PRIVATE: 'yes',
        TICKET_CHECK_URL: `http://127.0.0.1:${port}/ticket-check`,
      }),
    );
    const env = { INGRESS_URL: system.origin, FORWARD_SECRET: SECRET, HOST_APP_PORT: String(port) };
    host = stack.use(await startProcess('examples/host-app/main.ts', { env }));
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  const post = (body: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${host.origin}/webhooks/portcullis`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  it('takes what Portcullis forwards, once, and refuses what is forged or old', async () => {
    const body = JSON.stringify({
      id: 'a',
      type: 'message.received',
      timestamp: new Date().toISOString(),
      source: 'whatsapp',
      data: { from: '15550000001', text: 'by hand' },
    });
    const now = new Date();
    const signed = (at: Date, secret = SECRET): Record<string, string> => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign('msg_1', at, body),
    });
    expect((await post(body, signed(now))).status).toBe(204);
    expect((await post(body, signed(now))).status).toBe(204);
    expect((await post(body.replace('by hand', 'forged'), signed(now))).status).toBe(401);
    expect((await post(body, signed(new Date(now.getTime() - 3_600_000)))).status).toBe(401);
    expect((await post(body, signed(now, `whsec_${randomBytes(32).toString('base64')}`))).status).toBe(401);
    expect((await post(body, {})).status).toBe(401);

    const send = openClient(system.ingress.origin);
    const { email } = await makeUser(system.database.pool, { email: 'once@example.com' });
    const { body: login } = await send('/api/auth/login', { body: { email, password: PASSWORD } });
    const authorization = `Bearer ${login.accessToken}`;
    const { items } = (await (await fetch(`${host.origin}/api/tickets`, { headers: { authorization } })).json()) as {
      items: { from: string; messages: unknown[] }[];
    };
    expect(items.find(({ from }) => from === '15550000001')?.messages.length).toBe(1);
  });

  it('gets a message from the webhook to its own ticket', async () => {
    await sendMessages(system.ingress.origin, 'hello', 1, 1);
    const send = openClient(system.ingress.origin);
    const { email } = await makeUser(system.database.pool, { email: 'reader@example.com' });
    const { body: login } = await send('/api/auth/login', { body: { email, password: PASSWORD } });
    const authorization = `Bearer ${login.accessToken}`;
    const tickets = async (): Promise<string> =>
      (await fetch(`${host.origin}/api/tickets`, { headers: { authorization } })).text();
    await expect.poll(tickets, { timeout: 30_000 }).toContain('"from":"');
    await expect.poll(async () => JSON.parse(await tickets()).items.length, { timeout: 30_000 }).toBe(2);
  });

  it.each([
    ['none', undefined],
    ['one that is none', 'Bearer abc'],
    ['one signed by somebody else', `Bearer ${['eyJhbGciOiJFZERTQSJ9', 'eyJzdWIiOiJ4In0', 'AAAA'].join('.')}`],
  ])('lets nobody in with an access token that is %s', async (_what, authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    expect((await fetch(`${host.origin}/api/tickets`, { headers })).status).toBe(401);
  });

  it('is asked whether a ticket may be used, can say no, and is told of each verdict', async () => {
    const send = openClient(system.ingress.origin);
    const { email } = await makeUser(system.database.pool, { email: 'uploader@example.com' });
    const { body: login } = await send('/api/auth/login', { body: { email, password: PASSWORD } });
    const authorization = `Bearer ${login.accessToken}`;
    const upload = async (ticketId: string, text = 'a note\n', name = 'note.txt'): Promise<number> => {
      const form = new FormData();
      form.set('file', new File([text], name, { type: 'text/plain' }));
      const answer = await fetch(`${system.ingress.origin}/api/attachments/${ticketId}`, {
        method: 'POST',
        headers: { authorization },
        body: form,
      });
      return answer.status;
    };
    expect(await upload('T-1')).toBe(404);
    await fetch(`${host.origin}/api/tickets`, { headers: { authorization } });
    expect(await upload('T-1')).toBe(202);
    expect(await upload('T-999')).toBe(404);

    if (!system.hasScanner) return;
    expect(await upload('T-1', eicar().toString('latin1'), 'bad.txt')).toBe(202);
    const verdicts = async (): Promise<string[]> => {
      const answer = await fetch(`${host.origin}/api/tickets`, { headers: { authorization } });
      const { items } = (await answer.json()) as {
        items: { id: string; attachments: { name: string; status: string }[] }[];
      };
      const attachments = items.find(({ id }) => id === 'T-1')?.attachments ?? [];
      return attachments.map(({ name, status }) => `${name} ${status}`).toSorted();
    };
    await expect.poll(verdicts, { timeout: 60_000 }).toEqual(['bad.txt infected', 'note.txt clean']);
    // The worker writes down that an event is done after the other side has taken it.
    const events = async (): Promise<unknown[]> => {
      const { rows } = await system.database.pool.query(
        `select type, state, attempts, (select count(*) from webhook_effect where event_id = event.id) as effects
         from webhook_event as event where source = 'uploads' order by type`,
      );
      return rows;
    };
    const done = { state: 'done', attempts: 0, effects: 1 };
    await expect.poll(events, { timeout: 10_000 }).toEqual([
      { type: 'upload.clean', ...done },
      { type: 'upload.infected', ...done },
    ]);
  });

  describe.skipIf(!hasBrowser())('in Chromium', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openChromium();
    });
    afterAll(() => browser?.close());

    it('signs in from its own origin, shows the message, attaches a file, survives a reload and signs out', async () => {
      const { email } = await makeUser(system.database.pool, { email: 'agent@example.com', role: 'agent' });
      const page = await (await browser.newContext()).newPage();
      await page.goto(hostUrl);
      await page.getByLabel('E-mail').fill(email);
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: /^T-1 from/ }).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: /^T-1 from/ }).waitFor();
      await page.getByLabel('Attach to T-1').setInputFiles({
        name: 'log.txt',
        mimeType: 'text/plain',
        buffer: Buffer.from('what happened\n'),
      });
      const expected = system.hasScanner ? 'log.txt: clean' : /log.txt: (quarantined|scanning)/;
      await page.getByText(expected).waitFor({ timeout: 60_000 });
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('Signed out: logout').waitFor();
      await page.reload();
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      expect(await page.getByRole('heading', { level: 2 }).count()).toBe(0);
    });
  });
});
