import type { HealthCheck } from '#runtime/health.ts';
import type { Log } from '#runtime/log.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import { openS3Storage } from '#uploads/s3/s3-storage.ts';
import { s3PlaceOf, type StorageConfig } from '#uploads/storage-settings.ts';
import type { Storage } from '#uploads/storage.ts';

export interface OpenStorageParts {
  config: StorageConfig;
  log: Log;
  stack: AsyncDisposableStack;
}

export interface OpenedStorage {
  storage: Storage;
  /** For readiness: of stores that are elsewhere. */
  checks: HealthCheck[];
}

/**
 * Opens the storage that the settings choose.
 * @throws ConfigError
 */
export async function openStorage({ config, log, stack }: OpenStorageParts): Promise<OpenedStorage> {
  const place = s3PlaceOf(config);
  if (place === undefined) return { storage: stack.use(await openLocalStorage(config.DATA_DIR)), checks: [] };
  const storage = stack.use(await openS3Storage({ place, dataDir: config.DATA_DIR, log }));
  return { storage, checks: [storage.check] };
}
