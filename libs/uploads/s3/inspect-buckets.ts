import type { LifecycleRule } from '@aws-sdk/client-s3';
import { openS3Client } from '#uploads/s3/s3-client.ts';
import { s3ErrorOf } from '#uploads/s3/s3-error.ts';
import type { S3Place } from '#uploads/storage-settings.ts';
import { zones, type Zone } from '#uploads/storage.ts';

/** What can be seen of a bucket. Undefined: we may not ask, or the store does not know the question. */
export interface BucketFacts {
  name: string;
  /** S3's word for why it can't be used. */
  fault: string | undefined;
  /** Whether its policy, or an attempt without credentials, shows it to everyone. */
  isPublic?: boolean | undefined;
  keepsVersions?: boolean | undefined;
  /** Whether a lifecycle rule deletes files of ours. */
  deletesFiles?: boolean | undefined;
}

const LIMIT_MS = 5_000;

/** Looks at both buckets and changes nothing. */
export async function inspectBuckets(place: S3Place): Promise<Record<Zone, BucketFacts>> {
  const { sdk, client } = await openS3Client(place, { connectMs: LIMIT_MS, idleMs: LIMIT_MS });
  const limit = () => ({ abortSignal: AbortSignal.timeout(LIMIT_MS) });

  async function inspect(Bucket: string): Promise<BucketFacts> {
    try {
      await client.send(new sdk.HeadBucketCommand({ Bucket }), limit());
    } catch (error) {
      return { name: Bucket, fault: s3ErrorOf(error).name };
    }
    const policy = client.send(new sdk.GetBucketPolicyStatusCommand({ Bucket }), limit());
    const versioning = client.send(new sdk.GetBucketVersioningCommand({ Bucket }), limit());
    const lifecycle = client.send(new sdk.GetBucketLifecycleConfigurationCommand({ Bucket }), limit());
    const [isPublicByPolicy, isListed, keepsVersions, deletesFiles] = await Promise.all([
      known(policy.then(({ PolicyStatus: status }) => status?.IsPublic)),
      known(isListedToAnyone(place, Bucket)),
      known(versioning.then(({ Status: status }) => status === 'Enabled')),
      known(
        lifecycle.then(
          ({ Rules: rules = [] }) => rules.some(deletesOurs),
          (error: unknown) => s3ErrorOf(error).name !== 'NoSuchLifecycleConfiguration' && Promise.reject(error),
        ),
      ),
    ]);
    const isPublic = isPublicByPolicy === true || isListed === true ? true : (isPublicByPolicy ?? isListed);
    return { name: Bucket, fault: undefined, isPublic, keepsVersions, deletesFiles };
  }

  try {
    const facts = await Promise.all(zones.map(async (zone) => [zone, await inspect(place.buckets[zone])]));
    return Object.fromEntries(facts) as Record<Zone, BucketFacts>;
  } finally {
    client.destroy();
  }
}

/** As somebody without credentials. */
async function isListedToAnyone(place: S3Place, bucket: string): Promise<boolean> {
  const url = new URL(place.endpoint ?? `https://s3.${place.region}.amazonaws.com`);
  if (place.forcePathStyle) url.pathname = `${url.pathname.replace(/\/$/, '')}/${bucket}`;
  else url.hostname = `${bucket}.${url.hostname}`;
  url.search = 'list-type=2&max-keys=1';
  const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(LIMIT_MS) });
  await answer.body?.cancel();
  return answer.ok;
}

/** Ours have names of hex digits, and no tags. */
function deletesOurs({ Status: status, Expiration: expiration, Filter: filter, Prefix: old }: LifecycleRule): boolean {
  const ends = expiration?.Days !== undefined || expiration?.Date !== undefined;
  const prefix = filter?.Prefix ?? filter?.And?.Prefix ?? old ?? '';
  const isTagged = filter?.Tag !== undefined || (filter?.And?.Tags?.length ?? 0) > 0;
  return status === 'Enabled' && ends && !isTagged && /^[0-9a-f]*$/.test(prefix);
}

async function known<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch {
    return undefined;
  }
}
