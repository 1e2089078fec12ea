import { appendOnlyTables, applyAuditPolicy, readOnlyTables } from '#audit/audit-policy.ts';
import { catalogue } from '#catalogue.ts';
import { migrate } from '#database/migrate.ts';
import { openQueueConnection } from '#queue/connection.ts';
import { migrateQueue } from '#queue/migrate.ts';
import { declareSchedules } from '#queue/schedules.ts';
import { queueUrlOf } from '#queue/settings.ts';
import { readConfig } from '#runtime/config.ts';
import { runTask } from '#runtime/process.ts';
import ormConfig from '../../mikro-orm.config.ts';
import { createFirstAdmin } from './create-first-admin.ts';
import { migrateSettings } from './settings.ts';

/** Brings both schemas up to date, declares the schedules and creates the first admin. Run it before a new release; running it again does nothing. */
await runTask('migrate', async ({ stack, log }) => {
  const config = readConfig(migrateSettings);
  const ownerUrl = config.MIGRATE_DATABASE_URL ?? config.DATABASE_URL;
  const appRole = decodeURIComponent(new URL(config.DATABASE_URL).username) || undefined;
  const applied = await migrate({
    config: ormConfig,
    ownerUrl,
    appRole,
    appendOnly: appendOnlyTables,
    readOnly: readOnlyTables,
    afterwards: (owner) => applyAuditPolicy(owner, config.AUDIT_RETENTION_MONTHS),
  });
  log.info({ applied }, applied.length === 0 ? 'the database is up to date' : 'the database was migrated');

  const queueUrl = queueUrlOf(config);
  await migrateQueue(queueUrl, Object.values(catalogue), queueUrl === config.DATABASE_URL ? { ownerUrl } : {});
  const queue = stack.adopt(openQueueConnection(queueUrl, { role: 'producer', log }), (opened) => opened.close());
  const schedules = await declareSchedules(queue, Object.values(catalogue));
  log.info({ backend: queue.backend, ...schedules }, 'the queue is ready');

  await createFirstAdmin({ stack, log }, config);
});
