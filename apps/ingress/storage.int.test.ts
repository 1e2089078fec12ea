import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { s3Credentials, startTestS3, type TestS3 } from '#testing/s3.ts';
import { readIngressConfig } from './settings.ts';
import { testSecrets } from '#testing/secrets.ts';
import { startIngress, type StartedIngress } from './testing/start-ingress.ts';

let s3: TestS3;
let database: TestDatabase;
let ingress: StartedIngress;
beforeAll(async () => {
  s3 = await startTestS3();
  database = await openTestDatabase();
  ingress = await startIngress({ DATABASE_URL: database.url, ...s3.settings });
});
afterAll(async () => {
  await ingress?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
  await s3?.[Symbol.asyncDispose]();
});

describe('an ingress with its files in S3', () => {
  const readiness = async () => {
    const answer = await fetch(`${ingress.origin}/readyz`);
    const { status, checks } = (await answer.json()) as { status: string; checks: Record<string, string> };
    return [answer.status, status, checks['storage']];
  };

  it('goes on without it, and says so', async () => {
    expect(await readiness()).toEqual([200, 'ready', 'ok']);
    await s3.away();
    await expect.poll(readiness, { timeout: 10_000 }).toEqual([200, 'degraded', 'away']);
    expect(ingress.logged()).toContain('the bucket fails');
    await s3.back();
    await expect.poll(readiness, { timeout: 10_000 }).toEqual([200, 'ready', 'ok']);
    expect(ingress.logged()).toContain('the bucket answers again');
    expect(ingress.logged()).not.toContain(s3Credentials.secretAccessKey);
  });

  it('is not started with one bucket for both zones', () => {
    const env = { ...testSecrets, DATABASE_URL: database.url, ...s3.settings, S3_CLEAN_BUCKET: 'test-quarantine' };
    expect(() => readIngressConfig(env)).toThrow('S3_CLEAN_BUCKET: is the bucket of the quarantine');
  });
});
