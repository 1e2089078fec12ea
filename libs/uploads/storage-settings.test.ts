import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '#runtime/config.ts';
import { s3PlaceOf, storageSettings } from '#uploads/storage-settings.ts';

const S3 = { UPLOAD_STORAGE: 's3', S3_QUARANTINE_BUCKET: 'in-quarantine', S3_CLEAN_BUCKET: 'in-clean' };
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const read = (env: Record<string, string>) => s3PlaceOf(readConfig(storageSettings, env));

describe('the settings of the storage', () => {
  it('mean the local disk unless they say otherwise', () => {
    expect(read({})).toBeUndefined();
  });

  it('leave credentials and endpoint to the SDK where they are not given', () => {
    expect(read(S3)).toEqual({
      endpoint: undefined,
      region: 'us-east-1',
      buckets: { quarantine: 'in-quarantine', clean: 'in-clean' },
      credentials: undefined,
      forcePathStyle: false,
    });
  });

  it('name another server, its style and credentials', () => {
    const env = { S3_ENDPOINT: 'http://minio:9000', S3_REGION: 'eu-central-1', S3_FORCE_PATH_STYLE: 'yes' };
    expect(read({ ...S3, ...env, S3_ACCESS_KEY_ID: 'AKIA', S3_SECRET_ACCESS_KEY: SECRET })).toMatchObject({
      endpoint: 'http://minio:9000',
      region: 'eu-central-1',
      credentials: { accessKeyId: 'AKIA', secretAccessKey: SECRET },
      forcePathStyle: true,
    });
  });

  it.each([
    ['one bucket for both zones', { ...S3, S3_CLEAN_BUCKET: 'in-quarantine' }, /S3_CLEAN_BUCKET: is the bucket of/],
    ['no buckets', { UPLOAD_STORAGE: 's3' }, /S3_QUARANTINE_BUCKET: required[^]*S3_CLEAN_BUCKET: required/],
    ['half of the credentials', { ...S3, S3_SECRET_ACCESS_KEY: SECRET }, /S3_ACCESS_KEY_ID: required/],
    ['the other half of them', { ...S3, S3_ACCESS_KEY_ID: 'AKIA' }, /S3_SECRET_ACCESS_KEY: required/],
    ['a bucket that can be none', { ...S3, S3_CLEAN_BUCKET: 'a/b' }, /S3_CLEAN_BUCKET: must be the name of a bucket/],
    ['an endpoint that is no address', { ...S3, S3_ENDPOINT: 'minio:9000' }, /S3_ENDPOINT: must be a URL/],
    ['another storage', { UPLOAD_STORAGE: 'tape' }, /UPLOAD_STORAGE: /],
  ])('are refused with %s, without showing a value', (_, env, message) => {
    expect(() => read(env)).toThrow(ConfigError);
    expect(() => read(env)).toThrow(message);
    expect(() => read(env)).not.toThrow(SECRET);
  });
});
