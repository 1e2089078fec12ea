import { defineConfig } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { SecurityEventEntity } from '#audit/security-event.ts';
import { migrations } from '#database/migrations/list.ts';
import { SweepRunEntity } from '#queue/sweep-run.ts';
import { WebhookEventEntity } from '#webhooks/webhook-event.ts';
import { WebhookLogEntity } from '#webhooks/webhook-log.ts';

/** Entities of every domain, and the migrations in order. The queue's schema belongs to BullMQ. */
export default defineConfig({
  clientUrl: process.env['MIGRATE_DATABASE_URL'] ?? process.env['DATABASE_URL'] ?? 'postgres://127.0.0.1/portcullis',
  entities: [SecurityEventEntity, WebhookLogEntity, WebhookEventEntity, SweepRunEntity],
  extensions: [Migrator],
  migrations: {
    path: `${import.meta.dirname}/libs/database/migrations`,
    migrationsList: [...migrations],
    tableName: 'schema_migration',
    snapshot: false,
  },
  schemaGenerator: { ignoreSchema: ['bullmq'], ignoreTriggers: true, ignoreRoutines: true, ignorePolicies: true },
  forceUtcTimezone: true,
});
