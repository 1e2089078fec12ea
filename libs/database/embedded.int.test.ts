import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { expect, inject, it, onTestFinished } from 'vitest';
import { openEmbeddedDatabase, type EmbeddedDatabase } from '#database/embedded.ts';

const passwords = { superuser: 'superuser-password-1', owner: 'owner-password-22', app: 'app-password-333' };

function freshHome(): string {
  const home = mkdtempSync(join(inject('services').scratch, 'embedded-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

async function open(home: string): Promise<EmbeddedDatabase> {
  const database = await openEmbeddedDatabase({ home, outside: home, passwords });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}

async function query(url: string, text: string): Promise<unknown[][]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

/** Opens the database in a process of its own. */
async function openElsewhere(home: string): Promise<{ holder: ChildProcess; url: string; pid: number }> {
  const script = `
    import { openEmbeddedDatabase } from '#database/embedded.ts';
    const { url, pid } = await openEmbeddedDatabase(${JSON.stringify({ home, outside: home, passwords })});
    console.log(JSON.stringify({ url, pid }));
    setInterval(() => undefined, 1_000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    holder.kill('SIGKILL');
  });
  const [line] = (await once(createInterface({ input: holder.stdout }), 'line')) as [string];
  return { holder, ...(JSON.parse(line) as { url: string; pid: number }) };
}

it('keeps its data over a clean stop', async () => {
  const home = freshHome();
  const first = await open(home);
  await query(first.ownerUrl, 'create table kept as select 42 as answer');
  await first[Symbol.asyncDispose]();
  const second = await open(home);
  expect(await query(second.ownerUrl, 'select * from kept')).toEqual([[42]]);
});

it('syncs what is committed, stores UTF-8 and listens on loopback only', async () => {
  const { superuserUrl } = await open(freshHome());
  const shown = await query(
    superuserUrl,
    `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit',
      'server_encoding', 'listen_addresses', 'unix_socket_directories', 'password_encryption') order by name collate "C"`,
  );
  expect(Object.fromEntries(shown)).toEqual({
    fsync: 'on',
    full_page_writes: 'on',
    listen_addresses: '127.0.0.1',
    password_encryption: 'scram-sha-256',
    server_encoding: 'UTF8',
    synchronous_commit: 'on',
    unix_socket_directories: '',
  });
});

it('has two roles: one owns the schema, the other uses it', async () => {
  const { url, ownerUrl } = await open(freshHome());
  expect(await query(ownerUrl, 'select current_user::text')).toEqual([['portcullis_owner']]);
  expect(await query(url, 'select current_user::text')).toEqual([['portcullis']]);
  await expect(query(url, 'create table mine (id int)')).rejects.toThrow('permission denied for schema public');
  const superuser = await query(url, 'select rolname::text from pg_roles where rolsuper');
  expect(superuser).toEqual([['postgres']]);
  await expect(query(url.replace(passwords.app, 'wrong'), 'select 1')).rejects.toThrow(
    'password authentication failed',
  );
});

it('says so when the passwords kept beside it are not its own', async () => {
  const home = freshHome();
  await (await open(home))[Symbol.asyncDispose]();
  await expect(
    openEmbeddedDatabase({ home, outside: home, passwords: { ...passwords, superuser: 'another-password' } }),
  ).rejects.toThrow('does not accept the password');
});

it('ends when its process is killed, and starts again with all that was committed', async () => {
  const home = freshHome();
  const { holder, url } = await openElsewhere(home);
  await query(url, 'create temporary table warm (id int)');
  holder.kill('SIGKILL');
  const again = await open(home);
  expect(await query(again.url, 'select 1')).toEqual([[1]]);
});

it('starts although a killed run has left a PostgreSQL running on its data', async () => {
  const home = freshHome();
  const { holder, pid, url } = await openElsewhere(home);
  cutTether(pid);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(await query(url, 'select 1')).toEqual([[1]]);
  const again = await open(home);
  await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  expect(await query(again.url, 'select 1')).toEqual([[1]]);
});

/** Kills the shell that would end this command with its parent, and the shell's other children. */
function cutTether(pid: number): void {
  const ids = (...args: string[]): number[] =>
    execFileSync('ps', ['-o', 'pid=,ppid=', ...args], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
      .map(Number);
  const [, shell = 0] = ids('-p', String(pid));
  const children = ids('--ppid', String(shell)).filter((id, index) => index % 2 === 0 && id !== pid);
  for (const id of [...children, shell]) process.kill(id, 'SIGKILL');
}

it('starts although the id file of a killed PostgreSQL now names some other process', async () => {
  const home = freshHome();
  const first = await open(home);
  const { cluster } = first;
  const file = join(cluster, 'postmaster.pid');
  const lines = readFileSync(file, 'utf8');
  await first[Symbol.asyncDispose]();
  writeFileSync(file, lines.replace(/^\d+/, String(process.pid)));
  const again = await open(home);
  expect(await query(again.url, 'select 1')).toEqual([[1]]);
});

it('recovers what was committed when PostgreSQL itself is killed', async () => {
  const home = freshHome();
  const first = await open(home);
  await query(first.ownerUrl, 'create table kept as select 42 as answer');
  process.kill(first.pid, 'SIGKILL');
  await first.ended;
  const again = await open(home);
  expect(await query(again.ownerUrl, 'select * from kept')).toEqual([[42]]);
});
