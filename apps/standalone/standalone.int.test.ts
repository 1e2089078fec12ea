import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { environment } from '#runtime/config.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { demonstrateWebhooks } from './demo/webhooks.ts';
import { readRunning, type Running } from './running.ts';

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

/** Free ports, and a scanner that is not ours to run: freshclam would fetch its signatures from the network. */
const anywhere = { PORT: '0', BOARD_PORT: '0', WORKER_PORT: '0', CLAMD_URL: 'tcp://127.0.0.1:9' };

interface StartedSystem {
  supervisor: ChildProcess;
  /** Everything it has said so far. */
  output: () => string;
  ended: Promise<number | null>;
}

function freshDataDir(): string {
  const directory = mkdtempSync(join(inject('services').scratch, 'standalone-'));
  // Root's PostgreSQL runs as another user, who must get through.
  chmodSync(directory, 0o711);
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'data');
}

function start(dataDir: string, env: Record<string, string> = {}): StartedSystem {
  const supervisor = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { ...anywhere, PATH: environment()['PATH'], DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [supervisor.stdout, supervisor.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(supervisor, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    supervisor.kill('SIGTERM');
    if (!(await settledWithin(STOP_LIMIT_MS, ended))) supervisor.kill('SIGKILL');
  });
  return { supervisor, output: () => output, ended };
}

async function untilRunning(system: StartedSystem, dataDir: string): Promise<Running> {
  return until(
    () => (system.output().includes('Stop with Ctrl-C') ? readRunning(dataDir) : undefined),
    () => system.output(),
  );
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>, why: () => string): Promise<T> {
  const limit = Date.now() + READY_LIMIT_MS;
  while (Date.now() < limit) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`not so within ${READY_LIMIT_MS} ms: ${why()}`);
}

async function statusOf(address: string): Promise<number | undefined> {
  try {
    return (await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(3_000) })).status;
  } catch {
    return undefined;
  }
}

async function deliver({ addresses, settings }: Running, wamid: string): Promise<number> {
  const message = { id: wamid, from: '16505551234', timestamp: '1700000000', type: 'text', text: { body: 'hello' } };
  const body = JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [
      { id: '1', changes: [{ field: 'messages', value: { messaging_product: 'whatsapp', messages: [message] } }] },
    ],
  });
  const signature = createHmac('sha256', settings['WHATSAPP_APP_SECRET']!).update(body).digest('hex');
  const response = await fetch(`${addresses.ingress}/api/whatsapp/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
    body,
  });
  return response.status;
}

async function count(databaseUrl: string, table: string): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(`select count(*) from ${table}`);
    return Number(rows[0]!.count);
  } finally {
    await client.end();
  }
}

async function signIn({ addresses, settings }: Running): Promise<number> {
  const response = await fetch(`${addresses.ingress}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: settings['ADMIN_EMAIL'], password: settings['ADMIN_PASSWORD'] }),
  });
  return response.status;
}

/** Runs a tool on the system of a directory. @throws Error if it exits other than 0. */
function runTool(script: string, args: readonly string[], dataDir: string): string {
  const env = { PATH: environment()['PATH'], DATA_DIR: dataDir };
  return execFileSync(process.execPath, [script, ...args], { env, encoding: 'utf8' });
}

const processesIn = (dataDir: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`DATA_DIR=${dataDir}\0`);
      } catch {
        return false;
      }
    });

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('npm start', () => {
  it(
    'takes a signed webhook with secrets of its own, survives kill -9 of the worker, stops, and finds its data again',
    { timeout: 120_000 },
    async () => {
      const dataDir = freshDataDir();
      const first = start(dataDir);
      const running = await untilRunning(first, dataDir);
      const { ingress, worker, board } = running.addresses;
      expect(await Promise.all([ingress, worker, board].map(statusOf))).toEqual([200, 200, 200]);
      for (const file of ['secrets.json', 'admin.json', 'running.json'])
        expect(modeOf(join(dataDir, file))).toBe('600');
      expect(modeOf(dataDir)).toMatch(process.getuid?.() === 0 ? '711' : '700');
      const secrets = Object.entries(running.settings).filter(([name]) => /SECRET|PASSWORD|TOKEN|DATABASE/.test(name));
      expect(secrets.length).toBeGreaterThan(5);
      expect(secrets.filter(([, value]) => first.output().includes(value))).toEqual([]);

      expect(await deliver(running, 'wamid.ONE')).toBe(200);
      const database = running.settings['DATABASE_URL']!;
      await until(async () => ((await count(database, 'webhook_event')) === 1 ? true : undefined), first.output);

      process.kill(pidOfWorker(dataDir), 'SIGKILL');
      expect(await deliver(running, 'wamid.TWO')).toBe(200);
      await until(async () => ((await count(database, 'webhook_event')) === 2 ? true : undefined), first.output);
      expect(first.output()).toContain('worker ended');

      first.supervisor.kill('SIGINT');
      expect(await settledWithin(STOP_LIMIT_MS, first.ended)).toBe(true);
      expect(await first.ended).toBe(0);
      expect(processesIn(dataDir)).toEqual([]);
      expect(existsSync(join(dataDir, 'running.json'))).toBe(false);

      const second = start(dataDir);
      const again = await untilRunning(second, dataDir);
      expect(await count(again.settings['DATABASE_URL']!, 'webhook_event')).toBe(2);
      expect(again.settings['WHATSAPP_APP_SECRET']).toBe(running.settings['WHATSAPP_APP_SECRET']);
    },
  );

  it('leaves nothing behind when it is killed itself, and starts again', { timeout: 120_000 }, async () => {
    const dataDir = freshDataDir();
    const first = start(dataDir);
    const running = await untilRunning(first, dataDir);
    first.supervisor.kill('SIGKILL');
    await until(
      () => (processesIn(dataDir).length === 0 ? true : undefined),
      () => processesIn(dataDir).join(' '),
    );
    expect(await statusOf(running.addresses.ingress)).toBeUndefined();
    const second = start(dataDir);
    await untilRunning(second, dataDir);
  });

  it('starts PostgreSQL again, on the same port, when it is killed', { timeout: 120_000 }, async () => {
    const dataDir = freshDataDir();
    const system = start(dataDir);
    const running = await untilRunning(system, dataDir);
    const pid = Number.parseInt(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
    process.kill(pid, 'SIGKILL');
    await until(async () => ((await deliver(running, 'wamid.ONE')) === 200 ? true : undefined), system.output);
    expect(system.output()).toContain('PostgreSQL ended');
  });

  it('lets the demo show each event that was forwarded, signed, to the inbox', { timeout: 120_000 }, async () => {
    const dataDir = freshDataDir();
    const system = start(dataDir);
    const running = await untilRunning(system, dataDir);
    expect(system.output()).toMatch(/events +the last 200 are kept here/);
    expect(system.output()).not.toContain(running.inbox!.token);
    expect(running.settings).not.toHaveProperty('FORWARD_SECRET');
    const pool = new Pool({ connectionString: running.settings['DATABASE_URL']!, max: 1 });
    onTestFinished(() => pool.end());
    const { rows } = await demonstrateWebhooks(running, pool);
    expect(rows.map(({ sent, answer, outcome }) => [sent, answer, outcome])).toEqual([
      ['WhatsApp message, signed', '200', 'done: message.received done'],
      ['the same one again', '200 duplicate', 'done: message.received done'],
      ['one with a wrong signature', '403', 'refused:signature-mismatch'],
      ['WooAlerts order, signed', '200', 'done: order.created done'],
      ['its event: WhatsApp message', '204', 'forwarded: message.received, signature verified'],
      ['its event: WooAlerts order', '204', 'forwarded: order.created, signature verified'],
    ]);
  });

  it('goes on from a backup with its secrets, elsewhere', { timeout: 180_000 }, async () => {
    const [dataDir, otherDir] = [freshDataDir(), freshDataDir()];
    const first = start(dataDir);
    expect(await deliver(await untilRunning(first, dataDir), 'wamid.before')).toBe(200);
    const backup = join(dataDir, 'backup');
    expect(runTool('apps/cli/backup.ts', ['--to', backup, '--with-secrets'], dataDir)).toContain('rows of');
    first.supervisor.kill('SIGTERM');
    await first.ended;
    expect(runTool('apps/standalone/restore.ts', [backup], otherDir)).toContain('The audit trail is as it was sealed');

    const second = start(otherDir);
    const running = await untilRunning(second, otherDir);
    expect(await deliver(running, 'wamid.before')).toBe(200);
    expect(await deliver(running, 'wamid.after')).toBe(200);
    expect(await count(running.settings['DATABASE_URL']!, 'webhook_log')).toBe(2);
    expect(await signIn(running)).toBe(200);
    await until(
      () => (runTool('apps/cli/audit.ts', ['verify'], otherDir).includes('not sealed') ? undefined : true),
      () => 'the events of the restored system are not sealed',
    );
  });

  it('refuses to run twice from one directory', { timeout: 120_000 }, async () => {
    const dataDir = freshDataDir();
    const first = start(dataDir);
    await untilRunning(first, dataDir);
    const second = start(dataDir);
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(/^Portcullis is running from .* already \(process \d+\): .*\n$/);
    expect(readRunning(dataDir)?.pid).toBe(first.supervisor.pid);
  });

  it('names the setting of a port that is taken, and starts nothing', async () => {
    const dataDir = freshDataDir();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => {
      other.close();
    });
    const { port } = other.address() as AddressInfo;
    const system = start(dataDir, { BOARD_PORT: String(port) });
    expect(await system.ended).toBe(1);
    expect(system.output()).toBe(
      `BOARD_PORT: port ${port} on 127.0.0.1 is in use; set it to a free one, or to 0 for any\n`,
    );
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
  });

  it(
    'shows the faults of a setting that a process refuses, without its value, and ends',
    { timeout: 60_000 },
    async () => {
      const dataDir = freshDataDir();
      const system = start(dataDir, { WHATSAPP_APP_SECRET: 'changeme-now' });
      expect(await system.ended).toBe(1);
      expect(system.output()).toContain('WHATSAPP_APP_SECRET');
      expect(system.output()).not.toContain('changeme-now');
      expect(processesIn(dataDir)).toEqual([]);
    },
  );
});

function pidOfWorker(dataDir: string): number {
  const pid = processesIn(dataDir).find((id) => readFileSync(`/proc/${id}/cmdline`, 'latin1').includes('apps/worker/'));
  if (pid === undefined) throw new Error('there is no worker');
  return Number(pid);
}
