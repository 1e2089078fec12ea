import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { appendOnlyTables, applyAuditPolicy, readOnlyTables } from '#audit/audit-policy.ts';
import { openEmbeddedDatabase } from '#database/embedded.ts';
import { migrate } from '#database/migrate.ts';
import { catalogue } from '#catalogue.ts';
import { migrateQueue } from '#queue/migrate.ts';
import config from '../../mikro-orm.config.ts';

export interface TemplateServer extends AsyncDisposable {
  superuserUrl: string;
  ownerUrl: string;
  url: string;
  template: string;
}

/** One PostgreSQL for a test run, with one migrated database that tests copy. */
export async function openTemplate(home: string): Promise<TemplateServer> {
  const password = (): string => randomBytes(18).toString('base64url');
  const server = await openEmbeddedDatabase({
    home,
    outside: home,
    passwords: { superuser: password(), owner: password(), app: password() },
    // No test stops the machine, and a killed server loses nothing that the kernel has.
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '400' },
  });
  try {
    await migrate({
      config: { ...config, logger: () => undefined },
      ownerUrl: server.ownerUrl,
      appRole: 'portcullis',
      appendOnly: appendOnlyTables,
      readOnly: readOnlyTables,
      afterwards: (owner) => applyAuditPolicy(owner, 0),
    });
    await migrateQueue(server.url, Object.values(catalogue), { ownerUrl: server.ownerUrl });
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return {
    superuserUrl: server.superuserUrl,
    ownerUrl: server.ownerUrl,
    url: server.url,
    template: 'portcullis',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Runs one statement on a connection of its own. */
export async function runAs(connectionString: string, statement: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
