import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { providerNames, providers, type ProviderName } from '#webhooks/providers.ts';
import { settingOf } from '#webhooks/source-settings.ts';
import { startIngress, type StartedIngress } from '../ingress/testing/start-ingress.ts';

const FIXED: Record<string, string> = {
  WHATSAPP_APP_SECRET: 'mN4vQ8xZ1kD7pR2tY6wB9cF3,old:uZ8mW2nE6rT0yU4iO7pA1sD5',
  WHATSAPP_VERIFY_TOKEN: 'hJ5sL0aGqW8eR4tY1uI6oP2z',
  WOOALERTS_WEBHOOK_SECRET: 'zX9cV3bN7mA1sD5fG8hJ2kL6',
};
const isFixed = (provider: ProviderName): boolean => provider === 'whatsapp' || provider === 'wooalerts';
const nameOf = (provider: ProviderName): string => (isFixed(provider) ? provider : `my-${provider}`);
const declared = providerNames.filter((provider) => !isFixed(provider));

function secretOf(provider: ProviderName): string {
  const text = `qA1wS2eD3rF4tG5yH6uJ7iK8-${provider}`;
  const { keyEncoding } = providers[provider];
  if (keyEncoding === 'whsec') return `whsec_${Buffer.from(text).toString('base64')}`;
  return keyEncoding === 'html-decoded' ? `${text}&amp;` : text;
}

const SOURCES: Record<string, string> = {
  ...FIXED,
  WEBHOOK_SOURCES: declared.map((provider) => `${nameOf(provider)}:${provider}`).join(','),
  ...Object.fromEntries(
    declared.map((provider) => [settingOf('WEBHOOK_SECRET', nameOf(provider)), secretOf(provider)]),
  ),
  PUBLIC_URL: 'https://in.example.com',
};

let database: TestDatabase;
let ingress: StartedIngress;
beforeAll(async () => {
  database = await openTestDatabase();
  ingress = await startIngress({ DATABASE_URL: database.url, ...SOURCES });
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Ended {
  code: number;
  output: string;
}

async function runSend(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const options = { env: { ...SOURCES, DATA_DIR: '/nonexistent', PORT: String(ingress.port), ...env } };
  const script = new URL('send.ts', import.meta.url).pathname;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], options);
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

describe('the tool that sends webhooks', () => {
  it.each(providerNames)('sends what %s would send, and gets the answers that are due', async (provider) => {
    const { code, output } = await runSend([provider, '--duplicate', '--wrong-key', '--http10', '--out-of-order']);
    expect(output).not.toMatch(/✗/);
    expect(code).toBe(0);
    const { rows } = await database.pool.query<{ accepted: number }>(
      "select count(*)::int as accepted from webhook_log where source = $1 and verdict = 'accepted'",
      [nameOf(provider)],
    );
    expect(rows[0]?.accepted).toBeGreaterThanOrEqual(4);
  });

  it('knows the special cases', async () => {
    const special = ['--batch', '1000', '--rotated-key', '--gzip-bomb', '--rate', '50', '--seconds', '1'];
    const { code, output } = await runSend(['whatsapp', ...special]);
    expect(output).toMatch(/✓ 1000 updates in one request: 200/);
    expect(output).toMatch(/✓ signed with active secret 2 of 2: 200/);
    expect(output).toMatch(/✓ 50 kB of gzip that would be 50 MB: 415/);
    expect(output).toMatch(/✓ 50 requests at 50\/s.*: 200 × 50/);
    expect(code).toBe(0);
  });

  it('waits for a slow body to be refused', async () => {
    const { code, output } = await runSend(['whatsapp', '--slow']);
    expect(output).toMatch(/✓ a byte every half second: 408/);
    expect(code).toBe(0);
  });

  it('takes other secrets, and exits 1 when an answer is not what it should be', async () => {
    const { code, output } = await runSend(['github', '--secret', 'someone-elses-secret-5521']);
    expect(output).toMatch(/✗ a signed request: 403 instead of 200/);
    expect(code).toBe(1);
  });

  it('exits 1 when a receiver takes everything', async () => {
    const gullible = createServer((request, response) => {
      request.resume();
      request.on('end', () => response.writeHead(200, { 'x-receipt-id': '1' }).end());
    });
    await new Promise<void>((resolve) => gullible.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void gullible.close());
    const url = `http://127.0.0.1:${(gullible.address() as AddressInfo).port}`;
    const { code, output } = await runSend(['github', '--url', url, '--wrong-key', '--duplicate']);
    expect(output).toMatch(/✗ signed with a key of somebody else: 200 instead of 403/);
    expect(output).toMatch(/✗ the same again: not answered as a duplicate/);
    expect(code).toBe(1);
  });

  it.each([
    [['nobody'], /the first argument is one of/],
    [['github', '--url', 'http://example.com'], /example.com is not this machine/],
    [['github', '--batch', '10'], /--batch is for whatsapp/],
    [['github', '--rotated-key'], /needs a source with several secrets/],
    [['github', '--rate', 'fast'], /--rate is a whole number/],
    [['github', '--fast'], /Unknown option/],
    [['github', '--source', 'shop'], /no source of github/],
  ])('exits 2 when it is called like %j', async (args, message) => {
    const { code, output } = await runSend(args);
    expect(output).toMatch(message);
    expect(code).toBe(2);
  });

  it('never prints a secret', async () => {
    const { output } = await runSend(['github'], { WEBHOOK_SECRET_MY_GITHUB: 'short-canary' });
    expect(output).toMatch(/WEBHOOK_SECRET_MY_GITHUB: too short/);
    expect(output).not.toMatch(/canary/);
  });
});
