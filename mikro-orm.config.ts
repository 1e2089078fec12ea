import { defineConfig } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { ApiTokenEntity } from '#access/api-token.ts';
import { PasswordResetEntity } from '#access/password-reset.ts';
import { RefreshTokenEntity } from '#access/refresh-token.ts';
import { SigningKeyEntity } from '#access/signing-key.ts';
import { UserSessionEntity } from '#access/user-session.ts';
import { UserEntity } from '#access/user.ts';
import { AlertEntity } from '#audit/alert.ts';
import { AuditPolicyEntity } from '#audit/audit-policy.ts';
import { AuditSealEntity } from '#audit/audit-seal.ts';
import { EventContextEntity } from '#audit/event-context.ts';
import { AuditCursorEntity } from '#audit/follow.ts';
import { SecurityEventEntity } from '#audit/security-event.ts';
import { AuditVerificationEntity } from '#audit/verification.ts';
import { ProcessHeartbeatEntity } from '#database/heartbeat.ts';
import { migrations } from '#database/migrations/list.ts';
import { LimiterCounterEntity } from '#limits/limiter-counter.ts';
import { SweepRunEntity } from '#queue/sweep-run.ts';
import { UploadEntity } from '#uploads/upload.ts';
import { MessageStatusEntity } from '#webhooks/message-status-entity.ts';
import { WebhookEffectEntity } from '#webhooks/webhook-effect.ts';
import { WebhookEventEntity } from '#webhooks/webhook-event.ts';
import { WebhookLogEntity } from '#webhooks/webhook-log.ts';

const databaseUrl =
  process.env['MIGRATE_DATABASE_URL'] ?? process.env['DATABASE_URL'] ?? 'postgres://127.0.0.1/portcullis';

/** Entities of every domain, and the migrations in order. The queue's schema belongs to BullMQ. */
export default defineConfig({
  clientUrl: databaseUrl,
  // Of `clientUrl` only the place and the role are read: what it says of TLS would be lost. Whoever changes it changes both.
  ...(databaseUrl.includes('?') ? { driverOptions: { connectionString: databaseUrl } } : {}),
  entities: [
    SecurityEventEntity,
    AuditSealEntity,
    AuditPolicyEntity,
    AuditCursorEntity,
    EventContextEntity,
    AuditVerificationEntity,
    AlertEntity,
    ProcessHeartbeatEntity,
    WebhookLogEntity,
    WebhookEventEntity,
    WebhookEffectEntity,
    MessageStatusEntity,
    UserEntity,
    UserSessionEntity,
    RefreshTokenEntity,
    SigningKeyEntity,
    ApiTokenEntity,
    PasswordResetEntity,
    LimiterCounterEntity,
    SweepRunEntity,
    UploadEntity,
  ],
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
