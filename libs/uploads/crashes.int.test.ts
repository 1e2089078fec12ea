import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { upload } from '#testing/upload-client.ts';
import type { UploadProcessOrder } from '#testing/upload-process.ts';
import type { Checkpoint } from '#uploads/checkpoint.ts';
import { eicar } from '#uploads/test-signatures.ts';

type Point = Parameters<Checkpoint>[0];

const EVERYWHERE: readonly Point[] = [
  'file-created',
  'file-written',
  'file-synced',
  'row-committed',
  'scan-claimed',
  'file-inspected',
  'file-scanned',
  'ticket-asked',
  'file-moved',
  'file-verified',
  'verdict-committed',
  'bytes-removed',
];
const ON_REFUSAL = EVERYWHERE.filter((point) => !['ticket-asked', 'file-moved', 'file-verified'].includes(point));
/** From here on an upload has its row, and must not be lost. */
const isDurable = (point: Point): boolean => EVERYWHERE.indexOf(point) >= EVERYWHERE.indexOf('row-committed');

const rows = [
  ...EVERYWHERE.map((point) => ({ point, what: 'clean', content: Buffer.from(`harmless ${point}`) })),
  ...ON_REFUSAL.map((point) => ({ point, what: 'infected', content: eicar() })),
];

describe('a process that is killed', () => {
  let database: TestDatabase;
  let dataDir: string;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database?.[Symbol.asyncDispose]());
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'portcullis-crash-'));
  });
  afterEach(async () => {
    await database.pool.query('delete from upload');
    await database.pool.query('delete from webhook_event');
    rmSync(dataDir, { recursive: true, force: true });
  });

  it.each(rows)('at $point of a file that is $what leaves nothing undecided, lost or orphaned', async (row) => {
    const { point, what, content } = row;
    const accepted = await uploadUntilKilled(point, content);
    // Nobody renews the dead process's claim.
    await database.pool.query(`update upload set next_check_at = now() where status in ('quarantined', 'scanning')`);
    await run({});
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
    const clean = readdirSync(join(dataDir, 'clean'));
    const { rows: announced } = await database.pool.query(
      `select source, type, event_key as key, state, data->>'status' as status from webhook_event`,
    );
    const told = { source: 'uploads', type: `upload.${what}`, key: `${uploads[0]?.id}:${what}`, state: 'open' };
    expect(announced).toEqual(isDurable(point) ? [{ ...told, status: what }] : []);
    expect(readdirSync(join(dataDir, 'quarantine'))).toEqual([]);
    expect(clean.map((name) => readFileSync(join(dataDir, 'clean', name)).toString())).toEqual(
      isDurable(point) && what === 'clean' ? [content.toString()] : [],
    );
  });

  /** @returns the id of the upload if its 202 got out. */
  async function uploadUntilKilled(point: Point, content: Buffer): Promise<string | undefined> {
    const child = start({ crashPoint: point });
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
