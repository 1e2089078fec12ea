import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '#runtime/log.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { startTestS3, type TestS3 } from '#testing/s3.ts';
import { upload } from '#testing/upload-client.ts';
import type { UploadProcessOrder } from '#testing/upload-process.ts';
import type { Checkpoint } from '#uploads/checkpoint.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import { openS3Storage } from '#uploads/s3/s3-storage.ts';
import type { S3Place } from '#uploads/storage-settings.ts';
import type { Storage, Zone } from '#uploads/storage.ts';
import { eicar } from '#uploads/test-signatures.ts';

type Point = Parameters<Checkpoint>[0];

/** In the order in which they are come by. */
const EVERYWHERE: readonly Point[] = [
  'file-created',
  'file-written',
  'file-synced',
  'row-committed',
  'scan-claimed',
  'file-inspected',
  'file-scanned',
  'ticket-asked',
  'object-copied',
  'file-moved',
  'file-verified',
  'verdict-committed',
  'bytes-removed',
];
const ON_DISK = EVERYWHERE.filter((point) => point !== 'object-copied');
const ON_REFUSAL = ON_DISK.filter((point) => !['ticket-asked', 'file-moved', 'file-verified'].includes(point));
/** Where files in S3 are somewhere else than files on a disk would be. */
const IN_S3: readonly Point[] = [
  'file-written',
  'file-synced',
  'file-inspected',
  'object-copied',
  'file-moved',
  'file-verified',
];
/** From here on an upload has its row, and must not be lost. */
const isDurable = (point: Point): boolean => EVERYWHERE.indexOf(point) >= EVERYWHERE.indexOf('row-committed');

const harmless = (point: Point) => ({ point, what: 'clean', content: Buffer.from(`harmless ${point}`) });
const rows = [
  ...ON_DISK.map((point) => ({ ...harmless(point), where: 'on a disk' })),
  ...ON_REFUSAL.map((point) => ({ point, what: 'infected', content: eicar(), where: 'on a disk' })),
  ...IN_S3.map((point) => ({ ...harmless(point), where: 'in S3' })),
  { point: 'verdict-committed' as const, what: 'infected', content: eicar(), where: 'in S3' },
];

describe('a process that is killed', () => {
  let database: TestDatabase;
  let s3: TestS3;
  let dataDir: string;
  let storage: Storage & AsyncDisposable;
  beforeAll(async () => {
    database = await openTestDatabase();
    s3 = await startTestS3();
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await s3?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'portcullis-crash-'));
  });
  afterEach(async () => {
    await database.pool.query('delete from upload');
    await database.pool.query('delete from webhook_event');
    for (const { name } of await Array.fromAsync(storage.list('clean'))) await storage.remove('clean', name);
    await storage[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it.each(rows)('at $point of a file $where that is $what leaves nothing undecided, lost or orphaned', async (row) => {
    const { point, what, content, where } = row;
    const place = where === 'in S3' ? { s3: s3.place } : {};
    storage = await openStorage(place.s3);
    const accepted = await uploadUntilKilled({ ...place, crashPoint: point }, content);
    // Nobody renews the dead process's claim.
    await database.pool.query(`update upload set next_check_at = now() where status in ('quarantined', 'scanning')`);
    await run(place);
    const { rows: uploads } = await database.pool.query(
      `select id, status, stored_name as name, (select count(*) from security_event where target_id = upload.id::text) as events
       from upload`,
    );
    const expected = isDurable(point)
      ? [{ status: what, events: what === 'clean' ? 0 : 1, isAccepted: true, isNamed: what === 'clean' }]
      : [];
    expect(
      uploads.map(({ id, status, events, name }) => ({
        status,
        events,
        isAccepted: accepted === undefined || accepted === id,
        isNamed: name !== null,
      })),
    ).toEqual(expected);
    const { rows: announced } = await database.pool.query(
      `select source, type, event_key as key, state, data->>'status' as status from webhook_event`,
    );
    const told = { source: 'uploads', type: `upload.${what}`, key: `${uploads[0]?.id}:${what}`, state: 'open' };
    expect(announced).toEqual(isDurable(point) ? [{ ...told, status: what }] : []);
    expect(await contents('quarantine')).toEqual([]);
    expect(await contents('clean')).toEqual(isDurable(point) && what === 'clean' ? [content.toString()] : []);
    expect(existsSync(join(dataDir, 'scratch')) ? readdirSync(join(dataDir, 'scratch')) : []).toEqual([]);
  });

  async function openStorage(place: S3Place | undefined): Promise<Storage & AsyncDisposable> {
    if (place === undefined) return openLocalStorage(dataDir);
    return openS3Storage({ place, dataDir, log: openLog({ name: 'test', level: 'silent' }) });
  }

  async function contents(zone: Zone): Promise<string[]> {
    const texts: string[] = [];
    for await (const { name } of storage.list(zone)) {
      const file = await storage.open(zone, name);
      if (file !== undefined) texts.push(Buffer.concat(await Array.fromAsync(await file.read())).toString());
      await file?.close();
    }
    return texts;
  }

  /** @returns the id of the upload if its 202 got out. */
  async function uploadUntilKilled(order: Partial<UploadProcessOrder>, content: Buffer): Promise<string | undefined> {
    const child = start(order);
    const ended = once(child, 'exit');
    const [port] = (await once(child, 'message')) as [number];
    const part = { filename: 'a.txt', type: 'text/plain', content };
    const answer = await upload(`http://127.0.0.1:${port}`, part).catch(() => undefined);
    const [, signal] = (await ended) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    return answer?.json?.id as string | undefined;
  }

  async function run(order: Partial<UploadProcessOrder>): Promise<void> {
    const [code] = (await once(start(order), 'exit')) as [number | null];
    expect(code).toBe(0);
  }

  function start(order: Partial<UploadProcessOrder>) {
    const script = join(import.meta.dirname, '..', 'testing', 'upload-process.ts');
    const argument = JSON.stringify({ databaseUrl: database.url, dataDir, ...order });
    return fork(script, [argument], { execArgv: [] });
  }
});
