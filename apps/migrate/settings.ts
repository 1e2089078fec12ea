import type { z } from 'zod';
import { firstAdminSettings, passwordSettings } from '#access/settings.ts';
import { auditPolicySettings } from '#audit/audit-policy.ts';
import { migrationSettings } from '#database/migrate.ts';
import { databaseSettings } from '#database/pool.ts';
import { queueSettings } from '#queue/settings.ts';

export const migrateSettings = {
  ...databaseSettings,
  ...migrationSettings,
  ...auditPolicySettings,
  ...queueSettings,
  ...passwordSettings,
  ...firstAdminSettings,
};

export type MigrateConfig = z.infer<z.ZodObject<typeof migrateSettings>>;
