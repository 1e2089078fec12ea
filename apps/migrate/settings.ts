import { migrationSettings } from '#database/migrate.ts';
import { databaseSettings } from '#database/pool.ts';
import { queueSettings } from '#queue/settings.ts';

export const migrateSettings = { ...databaseSettings, ...migrationSettings, ...queueSettings };
