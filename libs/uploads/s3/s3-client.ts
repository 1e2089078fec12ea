import type * as Sdk from '@aws-sdk/client-s3';
import type { S3Place } from '#uploads/storage-settings.ts';

export interface ConnectionLimits {
  /** How long a connection may take to be there, and how long it may be silent. */
  connectMs: number;
  idleMs: number;
}

export interface S3Client {
  sdk: typeof Sdk;
  client: Sdk.S3Client;
}

/** More wait for a connection, and give up when `connectMs` is over. */
const MAX_SOCKETS = 256;

/** Loads the SDK: only where files lie in S3 does anybody wait for it. Asks S3 nothing yet. */
export async function openS3Client(place: S3Place, limits: ConnectionLimits): Promise<S3Client> {
  const sdk = await import('@aws-sdk/client-s3');
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new sdk.S3Client({
    region: place.region,
    forcePathStyle: place.forcePathStyle,
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    ...(place.credentials === undefined ? {} : { credentials: place.credentials }),
    // It warns on the console of what we tell in our log.
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    // We try again ourselves: the SDK can't begin a stream anew.
    maxAttempts: 1,
    // Would cost a connection of its own for each large file.
    expectContinueHeader: false,
    // Ours are SHA-256s; other checksums would be computed besides, and not every store knows them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: limits.connectMs,
      socketTimeout: limits.idleMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  return { sdk, client };
}

function ignore(): void {}
