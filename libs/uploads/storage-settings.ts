import { z } from 'zod';
import { ConfigError, url, yesNo } from '#runtime/config.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const bucket = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket: 3 to 63 of a-z, 0-9, dot and hyphen')
  .optional();

export const storageSettings = {
  DATA_DIR: z.string().default('.data'),
  /** Where uploaded files lie. */
  UPLOAD_STORAGE: z.enum(['local', 's3']).default('local'),
  /** Unset: AWS's own, of the region. */
  S3_ENDPOINT: url('https', 'http').optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_QUARANTINE_BUCKET: bucket,
  S3_CLEAN_BUCKET: bucket,
  /** Unset, both: the SDK looks where it always does (environment, profile, web identity, container, instance). */
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().meta({ secret: true }).optional(),
  /** Whether the bucket is in the path, not in the host's name. */
  S3_FORCE_PATH_STYLE: yesNo(false),
};

export type StorageConfig = z.infer<z.ZodObject<typeof storageSettings>>;

export interface S3Place {
  endpoint: string | undefined;
  region: string;
  buckets: { quarantine: string; clean: string };
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
  forcePathStyle: boolean;
}

/** What is wrong with settings that are right one by one. */
export function storageFaults(config: StorageConfig): string[] {
  if (config.UPLOAD_STORAGE === 'local') return [];
  const faults: string[] = [];
  const { S3_QUARANTINE_BUCKET: quarantine, S3_CLEAN_BUCKET: clean } = config;
  for (const name of ['S3_QUARANTINE_BUCKET', 'S3_CLEAN_BUCKET'] as const) {
    if (config[name] === undefined) faults.push(`${name}: required, because UPLOAD_STORAGE is s3`);
  }
  if (quarantine !== undefined && quarantine === clean) {
    faults.push('S3_CLEAN_BUCKET: is the bucket of the quarantine; it takes two, with rights of their own');
  }
  const pair = ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const;
  const [missing, ...both] = pair.filter((name) => config[name] === undefined);
  if (missing !== undefined && both.length === 0) {
    faults.push(`${missing}: required, because the other half of the credentials is set`);
  }
  return faults;
}

/**
 * Where the buckets are; undefined if files lie on the local disk.
 * @throws ConfigError
 */
export function s3PlaceOf(config: StorageConfig): S3Place | undefined {
  const faults = storageFaults(config);
  if (faults.length > 0) throw new ConfigError(faults);
  const { S3_QUARANTINE_BUCKET: quarantine, S3_CLEAN_BUCKET: clean } = config;
  if (config.UPLOAD_STORAGE === 'local' || quarantine === undefined || clean === undefined) return undefined;
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
  return {
    endpoint: config.S3_ENDPOINT,
    region: config.S3_REGION,
    buckets: { quarantine, clean },
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    forcePathStyle: config.S3_FORCE_PATH_STYLE,
  };
}
