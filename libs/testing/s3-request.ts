import type { IncomingMessage } from 'node:http';
import type { Zone } from '#uploads/storage.ts';

export interface S3Request {
  /** S3's name for it. */
  operation: string;
  zone: Zone | undefined;
  key: string;
}

/** What a request asks S3 for. */
export function describeS3Request(
  { method, url = '', headers }: IncomingMessage,
  buckets: Record<Zone, string>,
): S3Request {
  const [path = '', query = ''] = url.split('?', 2);
  const [, bucket = '', key = ''] = path.split('/', 3);
  const zone = (Object.keys(buckets) as Zone[]).find((each) => buckets[each] === bucket);
  return { operation: operationOf(method ?? '', key, query, headers['x-amz-copy-source'] !== undefined), zone, key };
}

const SUBRESOURCES: Record<string, string> = {
  'list-type': 'ListObjectsV2',
  policyStatus: 'GetBucketPolicyStatus',
  versioning: 'GetBucketVersioning',
  lifecycle: 'GetBucketLifecycleConfiguration',
};

function operationOf(method: string, key: string, query: string, isCopy: boolean): string {
  if (method === 'PUT') return isCopy ? 'CopyObject' : 'PutObject';
  if (method === 'HEAD') return key === '' ? 'HeadBucket' : 'HeadObject';
  if (method === 'DELETE') return 'DeleteObject';
  const asked = Object.keys(SUBRESOURCES).find((name) => new RegExp(`(?:^|&)${name}(?:[=&]|$)`).test(query));
  return asked === undefined ? 'GetObject' : (SUBRESOURCES[asked] ?? '');
}
