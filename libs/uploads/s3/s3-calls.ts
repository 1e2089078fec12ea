import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { openS3Client, type ConnectionLimits } from '#uploads/s3/s3-client.ts';
import { isNotFound, isMissingKey, s3Failure } from '#uploads/s3/s3-error.ts';
import { persist, type Patience } from '#uploads/s3/persist.ts';
import type { S3Place } from '#uploads/storage-settings.ts';
import type { ByteRange, StoredFile, Zone } from '#uploads/storage.ts';

export interface S3Limits extends ConnectionLimits {
  /** Of all calls but `put`. */
  call: Patience;
  put: Patience;
  /** Objects in one answer to `list`. */
  pageSize: number;
}

const LIMITS: S3Limits = {
  call: { tries: 3, tryMs: 5_000, wholeMs: 10_000, pauseMs: 100 },
  put: { tries: 3, tryMs: 30_000, wholeMs: 40_000, pauseMs: 200 },
  connectMs: 2_000,
  idleMs: 8_000,
  pageSize: 1_000,
};

export interface PutOrder {
  /** The bytes from their beginning, anew for each try. */
  open: () => Readable;
  sizeBytes: number;
  sha256: Buffer;
}

/** The calls to S3 that storage is made of: each within its deadline, tried again where that can help. */
export interface S3Calls {
  /** @returns the SHA-256 that S3 has computed of what it has got; undefined if it does not say. */
  put(zone: Zone, name: string, order: PutOrder): Promise<Buffer | undefined>;
  /** Undefined if there is no such object. */
  sizeOf(zone: Zone, name: string): Promise<number | undefined>;
  get(zone: Zone, name: string, range?: ByteRange): Promise<Readable | undefined>;
  /** False if there is no such object to copy. */
  copy(name: string, from: Zone, to: Zone): Promise<boolean>;
  remove(zone: Zone, name: string): Promise<void>;
  /** A page of what comes after a name, and where the next one begins. */
  list(zone: Zone, token?: string): Promise<{ objects: StoredFile[]; next: string | undefined }>;
  /** Asks once, and briefly, whether a bucket is there and open to us. */
  look(zone: Zone, limitMs: number): Promise<void>;
  close(): void;
}

/** Loads the SDK, and asks S3 nothing yet. */
export async function openS3Calls(place: S3Place, limits: S3Limits = LIMITS): Promise<S3Calls> {
  const { sdk, client } = await openS3Client(place, limits);
  const { buckets } = place;
  const call = <T>(operation: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    named(operation, persist(limits.call, work));

  /** Before a file is called missing: its bucket must be there. */
  const requireBucket = async (zone: Zone, abortSignal: AbortSignal): Promise<void> => {
    await client.send(new sdk.HeadBucketCommand({ Bucket: buckets[zone] }), { abortSignal });
  };

  return {
    put(zone, name, { open, sizeBytes, sha256 }) {
      return named(
        'PutObject',
        persist(limits.put, async (abortSignal) => {
          const body = open();
          const broken = new AbortController();
          body.once('error', (error) => broken.abort(error));
          try {
            const command = new sdk.PutObjectCommand({
              Bucket: buckets[zone],
              Key: name,
              Body: body,
              ContentLength: sizeBytes,
              ContentType: 'application/octet-stream',
              ChecksumSHA256: sha256.toString('base64'),
            });
            const ended = AbortSignal.any([abortSignal, broken.signal]);
            const { ChecksumSHA256: told } = await client.send(command, { abortSignal: ended });
            return told === undefined ? undefined : Buffer.from(told, 'base64');
          } finally {
            body.destroy();
          }
        }),
      );
    },
    sizeOf(zone, name) {
      return call('HeadObject', async (abortSignal) => {
        try {
          const command = new sdk.HeadObjectCommand({ Bucket: buckets[zone], Key: name });
          const { ContentLength: sizeBytes } = await client.send(command, { abortSignal });
          return sizeBytes ?? 0;
        } catch (error) {
          if (!isNotFound(error)) throw error;
          await requireBucket(zone, abortSignal);
          return undefined;
        }
      });
    },
    get(zone, name, range) {
      return call('GetObject', async (abortSignal) => {
        const bytes = range && `bytes=${range.start}-${range.end}`;
        const command = new sdk.GetObjectCommand({ Bucket: buckets[zone], Key: name, Range: bytes });
        const answer = await client.send(command, { abortSignal }).catch(unlessMissingKey);
        return answer && bodyOf(answer);
      });
    },
    copy(name, from, to) {
      return call('CopyObject', async (abortSignal) => {
        const CopySource = `${buckets[from]}/${name}`;
        const command = new sdk.CopyObjectCommand({ Bucket: buckets[to], Key: name, CopySource });
        return (await client.send(command, { abortSignal }).catch(unlessMissingKey)) !== undefined;
      });
    },
    async remove(zone, name) {
      await call('DeleteObject', (abortSignal) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: buckets[zone], Key: name }), { abortSignal }),
      );
    },
    list(zone, token) {
      return call('ListObjectsV2', async (abortSignal) => {
        const command = new sdk.ListObjectsV2Command({
          Bucket: buckets[zone],
          MaxKeys: limits.pageSize,
          ContinuationToken: token,
        });
        const { Contents: contents = [], NextContinuationToken: next } = await client.send(command, { abortSignal });
        const objects = contents.map(({ Key: key, Size: size, LastModified: modified }) => ({
          name: key ?? '',
          sizeBytes: size ?? 0,
          // Without a time it is as new as can be, so that no sweep takes it.
          modifiedAt: modified ?? new Date(),
        }));
        return { objects, next };
      });
    },
    async look(zone, limitMs) {
      const once = { ...limits.call, tries: 1, tryMs: limitMs };
      await named(
        'HeadBucket',
        persist(once, (signal) => requireBucket(zone, signal)),
      );
    },
    close: () => client.destroy(),
  };
}

function unlessMissingKey(error: unknown): undefined {
  if (!isMissingKey(error)) throw error;
}

function bodyOf({ Body: body }: GetObjectCommandOutput): Readable {
  // On Node.js the SDK hands out the answer of node:http.
  return body as Readable;
}

/** @throws Failure `storage-unavailable` or `storage-full` in place of whatever was thrown. */
async function named<T>(operation: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw s3Failure(operation, error);
  }
}
