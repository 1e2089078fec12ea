import { execFile } from 'node:child_process';
import { chownSync, copyFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { openEmbeddedDatabase, type EmbeddedDatabase } from '#database/embedded.ts';
import { openListener } from '#database/listener.ts';
import { migrate } from '#database/migrate.ts';
import { openOrm } from '#database/orm.ts';
import { openPool } from '#database/pool.ts';
import { environment } from '#runtime/config.ts';
import { makeCertificates, type Certificates } from '#testing/certificates.ts';
import { runAs } from '#testing/database-template.ts';
import config from '../../mikro-orm.config.ts';

const IS_ENCRYPTED = 'select ssl as encrypted from pg_stat_ssl where pid = pg_backend_pid()';
let database: EmbeddedDatabase;
let certificates: Certificates;

beforeAll(async () => {
  const home = mkdtempSync(join(inject('services').scratch, 'tls-database-'));
  const passwords = { superuser: 'superuser-of-tls', owner: 'owner-of-tls', app: 'app-of-tls' };
  database = await openEmbeddedDatabase({ home, outside: home, passwords, settings: { fsync: 'off' } });
  certificates = makeCertificates(['localhost']);
  const { uid, gid } = statSync(database.cluster);
  for (const [from, to] of [
    [certificates.cert, 'server.crt'],
    [certificates.key, 'server.key'],
  ] as const) {
    const file = join(database.cluster, to);
    copyFileSync(from, file);
    chownSync(file, uid, gid);
  }
  const rules = join(database.cluster, 'pg_hba.conf');
  writeFileSync(rules, `hostnossl portcullis all all reject\n${readFileSync(rules, 'utf8')}`);
  await runAs(database.superuserUrl, 'alter system set ssl = on');
  await runAs(database.superuserUrl, 'select pg_reload_conf()');
}, 120_000);
afterAll(() => database[Symbol.asyncDispose]());

const withTls = (query: string, host = 'localhost', of = database.url): string =>
  `${Object.assign(new URL(of), { hostname: host }).href}?${query}`;

async function askPool(url: string): Promise<unknown> {
  const pool = openPool(url, { name: 'tls', max: 1, onError: () => undefined });
  try {
    return (await pool.query(IS_ENCRYPTED)).rows;
  } finally {
    await pool.end();
  }
}

async function debugMikroOrm(url: string): Promise<string> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('@mikro-orm/cli/package.json')), 'cli.js');
  const env = { ...environment(), MIKRO_ORM_CLI_PREFER_TS: '1', MIGRATE_DATABASE_URL: url, NO_COLOR: '1' };
  return (await promisify(execFile)(process.execPath, [cli, 'debug'], { env })).stdout;
}

it('every connection is encrypted, and its server known, where the URL wants that', async () => {
  const url = withTls(`sslmode=verify-full&sslrootcert=${certificates.ca}`);
  expect(await askPool(url)).toEqual([{ encrypted: true }]);

  const orm = await openOrm(config, url);
  onTestFinished(() => orm.close(true));
  expect(await orm.em.getConnection().execute(IS_ENCRYPTED)).toEqual([{ encrypted: true }]);

  const errors: Error[] = [];
  await new Promise<void>((resolve, reject) => {
    const listener = openListener(url, {
      channel: 'tls',
      onNotification: () => undefined,
      onGap: resolve,
      onError: (error) => {
        errors.push(error);
        reject(error);
      },
    });
    onTestFinished(() => listener.close());
  });
  expect(errors).toEqual([]);
});

it('migrations are made over an encrypted connection', async () => {
  const query = `sslmode=verify-full&sslrootcert=${certificates.ca}`;
  const ownerUrl = withTls(query, 'localhost', database.ownerUrl);
  const applied = await migrate({ config, ownerUrl, appendOnly: [], readOnly: [] });
  expect(applied.length).toBeGreaterThan(0);
});

it("MikroORM's command line works over an encrypted connection, and not with a server that it does not know", async () => {
  const reach = (query: string): Promise<string> => debugMikroOrm(withTls(query, 'localhost', database.ownerUrl));
  expect(await reach(`sslmode=verify-full&sslrootcert=${certificates.ca}`)).toContain('database connection successful');
  expect(await reach('sslmode=verify-full')).toMatch(/database connection failed.*certificate/);
});

it('nothing is sent to a server whose certificate is for another name', async () => {
  const url = withTls(`sslmode=verify-full&sslrootcert=${certificates.ca}`, '127.0.0.1');
  await expect(askPool(url)).rejects.toThrow(/Hostname\/IP does not match/);
});

it('nothing is sent to a server whose certificate is by another authority, or that is asked without TLS', async () => {
  for (const [url, message] of [
    [withTls('sslmode=verify-full'), /certificate/],
    [database.url, /no encryption/],
  ] as const) {
    await expect(askPool(url)).rejects.toThrow(message);
    const orm = await openOrm(config, url);
    onTestFinished(() => orm.close(true));
    await expect(orm.em.getConnection().execute('select 1')).rejects.toThrow(message);
  }
});
