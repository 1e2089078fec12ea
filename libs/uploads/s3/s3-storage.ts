import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '#runtime/failure.ts';
import type { HealthCheck } from '#runtime/health.ts';
import type { Log } from '#runtime/log.ts';
import { openTurns } from '#runtime/turns.ts';
import { passCheckpoint, type Checkpoint } from '#uploads/checkpoint.ts';
import { openGathering } from '#uploads/gathered-file.ts';
import { openNamelessFiles } from '#uploads/nameless-file.ts';
import { openBucketWatch } from '#uploads/s3/bucket-watch.ts';
import { openObjectBytes } from '#uploads/s3/object-bytes.ts';
import { openS3Calls, type PutOrder, type S3Limits } from '#uploads/s3/s3-calls.ts';
import { openSpooledFile, requireDigest } from '#uploads/s3/spooled-file.ts';
import type { S3Place } from '#uploads/storage-settings.ts';
import { zones, type Storage, type StoredBytes, type Zone } from '#uploads/storage.ts';
import { isStoredName, newStoredName, requireStoredName } from '#uploads/stored-name.ts';

export interface S3StorageOptions {
  place: S3Place;
  /** Holds the spool of what comes in, and private copies while files are scanned. */
  dataDir: string;
  log: Log;
  limits?: S3Limits;
  checkpoint?: Checkpoint;
}

export interface S3Storage extends Storage, AsyncDisposable {
  /** Whether both buckets are there and open to us. */
  readonly check: HealthCheck;
}

/** So that files that were all received at once do not each wait for the slowest connection. */
const PUTS_AT_ONCE = 16;
/** How long a received file may wait for its turn. */
const TURN_MS = 20_000;
const LOOK_MS = 1_500;

/** Storage in two buckets. Nothing is asked of them at the start: without them the rest of the system runs. */
export async function openS3Storage(options: S3StorageOptions): Promise<S3Storage> {
  const { place, dataDir, log, limits, checkpoint = passCheckpoint } = options;
  const calls = await openS3Calls(place, limits);
  const files = await openNamelessFiles(join(dataDir, 'scratch'));
  const watch = openBucketWatch(log);
  const gather = openGathering();
  const takeTurn = openTurns(PUTS_AT_ONCE);

  function put(zone: Zone, name: string, order: PutOrder): Promise<Buffer | undefined> {
    const waitedFrom = performance.now();
    return takeTurn(() => {
      if (performance.now() - waitedFrom > TURN_MS) throw new Failure('storage-unavailable');
      return watch.use(zone, () => calls.put(zone, name, order));
    });
  }

  async function digestOf(zone: Zone, name: string): Promise<Buffer | undefined> {
    return (await open(zone, name))?.digest();
  }

  async function open(zone: Zone, name: string): Promise<StoredBytes | undefined> {
    requireStoredName(name);
    const sizeBytes = await watch.use(zone, () => calls.sizeOf(zone, name));
    if (sizeBytes === undefined) return undefined;
    const get: Parameters<typeof openObjectBytes>[0]['get'] = (range) =>
      watch.use(zone, () => calls.get(zone, name, range));
    return openObjectBytes({ sizeBytes, get, createFile: () => files.create() });
  }

  async function remove(zone: Zone, name: string): Promise<void> {
    requireStoredName(name);
    await watch.use(zone, () => calls.remove(zone, name));
  }

  return {
    async create() {
      watch.requireWell('quarantine');
      const name = newStoredName();
      const handle = await files.create();
      return openSpooledFile({
        name,
        handle,
        file: gather(handle),
        put: (order) => put('quarantine', name, order),
        readBack: () => digestOf('quarantine', name),
        remove: () => remove('quarantine', name),
      });
    },
    open,
    async move(name, from, to) {
      requireStoredName(name);
      if (!(await watch.use(to, () => calls.copy(name, from, to)))) return false;
      checkpoint('object-copied');
      await remove(from, name);
      return true;
    },
    remove,
    async *list(zone) {
      let token: string | undefined;
      do {
        const page = await watch.use(zone, () => calls.list(zone, token));
        // Whatever else is in there is not ours to list, or to sweep.
        yield* page.objects.filter(({ name }) => isStoredName(name));
        token = page.next;
      } while (token !== undefined);
    },
    async restore(zone, { name, path, sizeBytes, sha256 }) {
      requireStoredName(name);
      const told = await put(zone, name, { open: () => createReadStream(path), sizeBytes, sha256 });
      requireDigest(told ?? (await digestOf(zone, name)), sha256);
    },
    check: {
      name: 'storage',
      required: false,
      async check() {
        await Promise.all(zones.map((zone) => watch.probe(zone, () => calls.look(zone, LOOK_MS))));
      },
    },
    async [Symbol.asyncDispose]() {
      calls.close();
    },
  };
}
