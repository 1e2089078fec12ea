import { isLoopback } from '#runtime/address.ts';
import { ConfigError, readConfig, type Environment } from '#runtime/config.ts';
import { inspectBuckets, type BucketFacts } from '#uploads/s3/inspect-buckets.ts';
import { s3PlaceOf, storageSettings, type S3Place } from '#uploads/storage-settings.ts';
import { unknown, well, worthALook, wrong, type Finding } from './finding.ts';

/** Looks at where uploaded files lie. */
export async function examineStorage(env: Environment): Promise<Finding[]> {
  let place: S3Place | undefined;
  try {
    place = s3PlaceOf(readConfig({ ...storageSettings }, env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((fault) => wrong(fault, 'correct the setting: nothing starts with it'));
  }
  if (place === undefined) return [well('uploaded files lie on the disk of DATA_DIR')];
  const { quarantine, clean } = await inspectBuckets(place);
  return [
    ...transport(place),
    ...access(quarantine),
    ...access(clean),
    ...versions(quarantine, clean),
    ...[quarantine, clean].flatMap(lifecycle),
  ];
}

function transport({ endpoint }: S3Place): Finding[] {
  if (endpoint === undefined) return [];
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === 'https:' || hostname === 'localhost' || isLoopback(hostname)) return [];
  return [
    worthALook('S3_ENDPOINT is not https: files go over the network in the clear', 'give the store a certificate'),
  ];
}

function access({ name, fault, isPublic }: BucketFacts): Finding[] {
  if (fault !== undefined) {
    const fix = 'create it, correct the S3_ settings, or allow ListBucket: until then uploads are answered 503';
    return [wrong(`the bucket ${name} can't be used: ${fault}`, fix)];
  }
  if (isPublic === true)
    return [wrong(`the bucket ${name} is public`, 'block all public access to it, and find out what was read')];
  return [
    isPublic === undefined
      ? unknown(`the bucket ${name} answers; whether it is public can't be told from here`)
      : well(`the bucket ${name} answers, and not to everyone`),
  ];
}

function versions(quarantine: BucketFacts, clean: BucketFacts): Finding[] {
  const findings: Finding[] = [];
  if (clean.keepsVersions === false) {
    const fix = 'turn its versioning on, with a rule that ends old versions, unless backups have the files';
    findings.push(worthALook(`the bucket ${clean.name} keeps no versions: what is deleted there is gone`, fix));
  }
  if (quarantine.keepsVersions === true) {
    const fix = 'suspend its versioning, or let a rule end old versions after a day';
    findings.push(worthALook(`the bucket ${quarantine.name} keeps versions, also of what was infected`, fix));
  }
  return findings;
}

function lifecycle({ name, deletesFiles }: BucketFacts): Finding[] {
  if (deletesFiles !== true) return [];
  return [wrong(`a lifecycle rule deletes files from the bucket ${name}`, 'remove it: uploads name those files')];
}
