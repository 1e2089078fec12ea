import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Failure } from '#runtime/failure.ts';
import { sample } from '#testing/files/samples.ts';
import { send, upload, type SendOptions } from '#testing/upload-client.ts';
import { STRANGER, type UploadSystem, type UploadSystemOptions } from '#testing/upload-core.ts';
import { storeFile } from '#testing/store-file.ts';
import { openUploadSystem } from '#testing/upload-system.ts';
import { openBreakdowns } from '#uploads/breakdowns.ts';
import { claimUpload } from '#uploads/claim.ts';
import { decideUpload } from '#uploads/decide-upload.ts';
import type { GuardState, ScanGuard } from '#uploads/scan-guard.ts';
import { openScanGuard } from '#uploads/scan-guard.ts';
import { scanUpload } from '#uploads/scan-upload.ts';
import type { Scanner, ScanVerdict } from '#uploads/scanner.ts';
import { sweepDeleted, sweepExpired, sweepOrphans, sweepOutdated } from '#uploads/sweep-uploads.ts';
import { eicar } from '#uploads/test-signatures.ts';
import { makeWaitingDue, takeDueUploads } from '#uploads/waiting-uploads.ts';

const FILE = { filename: 'a.txt', type: 'text/plain', content: 'hello' };
const never = new AbortController().signal;

let system: UploadSystem;
async function open(options: UploadSystemOptions = {}): Promise<UploadSystem> {
  system = await openUploadSystem({ isScanningByHand: true, ...options });
  return system;
}
afterEach(() => system?.[Symbol.asyncDispose]());

async function take(content: Buffer | string = FILE.content, options: SendOptions = {}): Promise<string> {
  const { json } = await upload(system.origin, { ...FILE, content }, options);
  return json.id;
}
async function statusOf(id: string): Promise<[string, string | null]> {
  const { json } = await send(system.origin, `/api/uploads/${id}`);
  return [json.status, json.reason];
}
async function eventsOf(id: string): Promise<string[]> {
  const { rows } = await system.pool.query<{ type: string }>(
    'select type from security_event where target_id = $1 order by occurred_at',
    [id],
  );
  return rows.map(({ type }) => type);
}
async function announcedOf(id: string): Promise<string[]> {
  const { rows } = await system.pool.query<{ type: string }>(
    `select type from webhook_event where data->>'uploadId' = $1 order by data->>'version'`,
    [id],
  );
  return rows.map(({ type }) => type);
}
const scannerThat = (scan: () => Promise<ScanVerdict>): Scanner => ({ scan });
const failing = (code: 'scanner-unavailable' | 'scan-inconclusive') => async (): Promise<ScanVerdict> => {
  throw new Failure(code, { detail: 'bad-reply' });
};
const guardThat = (state: GuardState, isWell = true): ScanGuard => ({
  state,
  onChange: () => undefined,
  isScannerWell: async () => isWell,
  close: async () => undefined,
});
const READY: Extract<GuardState, { isReady: true }> = {
  isReady: true,
  signatures: { kind: 'test-only', version: 'v', madeAt: undefined },
};

describe('a scan', () => {
  it('79: that is asked for twice at once gives one verdict and one event', async () => {
    await open({ scanner: scannerThat(async () => ({ kind: 'infected', signature: 'Bad' })) });
    for (let round = 0; round < 20; round += 1) {
      const id = await take(`file ${round}`);
      await Promise.all([1, 2, 3].map(() => system.scan(id)));
      await system.scan(id);
      expect(await statusOf(id)).toEqual(['infected', 'infected']);
      expect(await eventsOf(id)).toEqual(['upload.infected']);
      expect(await announcedOf(id)).toEqual(['upload.infected']);
    }
    expect(system.files()).toEqual({ quarantine: [], clean: [] });
  });

  it('78: finds out that the file was changed in quarantine, whatever it was changed into', async () => {
    await open({ scanner: scannerThat(async () => ({ kind: 'clean' })) });
    for (const content of ['hallo', 'hello and more', '']) {
      const id = await take(`hello`);
      const [name] = system.files().quarantine;
      writeFileSync(join(system.dataDir, 'quarantine', name!), content);
      await system.scan(id);
      expect(await statusOf(id)).toEqual(['rejected', 'tampered']);
      expect(await eventsOf(id)).toEqual(['upload.tampered']);
    }
    expect(system.files()).toEqual({ quarantine: [], clean: [] });
  });

  it('80: of an upload that was deleted meanwhile promotes nothing', async () => {
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await open({
      scanner: scannerThat(async () => {
        reached.resolve();
        await go.promise;
        return { kind: 'clean' };
      }),
    });
    const id = await take();
    const scan = system.scan(id);
    await reached.promise;
    await send(system.origin, `/api/uploads/${id}`, { method: 'DELETE' });
    go.resolve();
    await scan;
    expect((await send(system.origin, `/api/uploads/${id}`)).status).toBe(404);
    expect(system.files()).toEqual({ quarantine: [], clean: [] });
  });

  it('66b: of an upload whose ticket was closed meanwhile promotes nothing', async () => {
    let isOpen = true;
    await open({ authorise: async () => isOpen });
    const id = await take();
    isOpen = false;
    await system.scan(id);
    expect(await statusOf(id)).toEqual(['rejected', 'authorisation-revoked']);
    isOpen = true;
    const { status, json } = await send(system.origin, `/api/uploads/${id}/content`);
    expect([status, json.code]).toEqual([410, 'authorisation-revoked']);
    expect(system.files()).toEqual({ quarantine: [], clean: [] });
  });

  it('waits when the ticket can not be asked for', async () => {
    let isAway = false;
    await open({
      authorise: async () => {
        if (isAway) throw new Failure('ticket-unchecked');
        return true;
      },
    });
    const id = await take();
    isAway = true;
    await expect(system.scan(id)).rejects.toThrow('ticket-unchecked');
    expect(await statusOf(id)).toEqual(['quarantined', null]);
    isAway = false;
    await system.scan(id);
    expect((await statusOf(id))[0]).toBe('clean');
  });

  it('74a: waits while the scanner is away, and no try counts', async () => {
    let isAway = true;
    await open({
      scanner: scannerThat(async () => (isAway ? failing('scanner-unavailable')() : { kind: 'clean' })),
    });
    const id = await take();
    for (let tries = 0; tries < 10; tries += 1) await system.scan(id);
    expect(await statusOf(id)).toEqual(['quarantined', 'scanner-unavailable']);
    expect((await send(system.origin, `/api/uploads/${id}/content`)).status).toBe(409);
    const { rows } = await system.pool.query('select attempts from upload where id = $1', [id]);
    expect(rows[0].attempts).toBe(0);
    isAway = false;
    await makeWaitingDue(system.pool);
    expect(await takeDueUploads(system.pool, 10)).toEqual([id]);
    await system.scan(id);
    expect(await statusOf(id)).toEqual(['clean', null]);
  });

  it('74: is not even begun while the guard says no, but goes on being accepted', async () => {
    await open({ guard: guardThat({ isReady: false, why: 'the canary was not found', isUntrusted: true }) });
    const id = await take();
    await system.scan(id);
    await system.scan(id);
    expect(await statusOf(id)).toEqual(['quarantined', 'scanner-unavailable']);
    expect((await upload(system.origin, { ...FILE, content: 'more' })).status).toBe(202);
  });

  it('that fails although the scanner is well is given up after five tries', async () => {
    await open({ scanner: scannerThat(failing('scan-inconclusive')), guard: guardThat(READY) });
    const id = await take();
    for (let tries = 1; tries <= 4; tries += 1) {
      await expect(system.scan(id)).rejects.toThrow('scan-inconclusive');
      expect((await statusOf(id))[0]).toBe('quarantined');
    }
    await system.scan(id);
    expect(await statusOf(id)).toEqual(['scan-failed', 'scanner-unavailable']);
    expect(await eventsOf(id)).toEqual(['upload.failed']);
    const { status, json } = await send(system.origin, `/api/uploads/${id}/content`);
    expect([status, json.code]).toEqual([410, 'scanner-unavailable']);
  });

  it('that fails because the scanner is not well waits, and no try counts', async () => {
    await open({ scanner: scannerThat(failing('scan-inconclusive')), guard: guardThat(READY, false) });
    const id = await take();
    for (let tries = 0; tries < 8; tries += 1) await system.scan(id);
    expect(await statusOf(id)).toEqual(['quarantined', 'scanner-unavailable']);
  });

  it('that the scanner breaks down over again and again waits by itself, and is given up in the end', async () => {
    await open({ scanner: scannerThat(failing('scan-inconclusive')), guard: guardThat(READY, false) });
    const id = await take();
    const parts = { ...system.parts, breakdowns: openBreakdowns() };
    const seen = [];
    for (let tries = 1; tries <= 7; tries += 1) {
      await scanUpload(parts, id, never);
      await makeWaitingDue(system.pool);
      const { rows } = await system.pool.query('select attempts, next_check_at <= now() as due from upload');
      seen.push([...(await statusOf(id)), rows[0].attempts, rows[0].due]);
    }
    expect(seen).toEqual([
      ...Array.from({ length: 2 }, () => ['quarantined', 'scanner-unavailable', 0, true]),
      ...[1, 2, 3, 4].map((attempts) => ['quarantined', null, attempts, false]),
      ['scan-failed', 'scanner-unavailable', 4, expect.anything()],
    ]);
    expect(await eventsOf(id)).toEqual(['upload.failed']);
  });

  it('after which the scanner is not trusted any more promotes nothing, and says of nothing that it is still clean', async () => {
    const guard = { ...guardThat(READY) };
    await open({
      guard,
      scanner: scannerThat(async () => {
        Object.assign(guard, { state: { isReady: false, why: 'the canary was not found', isUntrusted: true } });
        return { kind: 'clean' };
      }),
    });
    const id = await take();
    await system.scan(id);
    expect(await statusOf(id)).toEqual(['quarantined', 'scanner-unavailable']);
    expect(system.files().clean).toEqual([]);

    await system.pool.query(`update upload set status = 'clean', signature_version = 'v0'`);
    Object.assign(guard, { state: READY });
    await system.storage.move(system.files().quarantine[0]!, 'quarantine', 'clean');
    await system.scan(id);
    const { rows } = await system.pool.query('select signature_version from upload');
    expect(rows).toEqual([{ signature_version: 'v0' }]);
  });

  it('whose claim was lost does not take away what another has promoted', async () => {
    await open();
    const id = await take();
    const lost = (await claimUpload(system.pool, id))!;
    await system.pool.query('update upload set next_check_at = now()');
    await system.scan(id);
    const broken = { ...system.parts, scanner: scannerThat(failing('scan-inconclusive')) };
    const signatures = { kind: 'test-only', version: 'other', madeAt: undefined } as const;
    await expect(decideUpload(broken, lost, signatures, never)).rejects.toThrow('scan-inconclusive');
    expect((await send(system.origin, `/api/uploads/${id}/content`)).body.toString()).toBe('hello');
  });

  it.each([
    ['EROFS', 'storage-full'],
    ['EIO', 'storage-unavailable'],
    ['EMFILE', 'storage-unavailable'],
  ])('that a disk ends with %s is not held against the file', async (code, failure) => {
    const move = async (): Promise<boolean> => {
      throw Object.assign(new Error(code), { code });
    };
    await open({ wrapStorage: (storage) => ({ ...storage, move }) });
    const id = await take();
    for (let tries = 0; tries < 6; tries += 1) await expect(system.scan(id)).rejects.toThrow(failure);
    expect(await statusOf(id)).toEqual(['quarantined', null]);
  });

  it('that is stopped leaves its upload for the next', async () => {
    const stop = new AbortController();
    const begun = Promise.withResolvers<void>();
    await open({
      scanner: {
        scan: (_, signal) => {
          begun.resolve();
          return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        },
      },
    });
    const id = await take();
    const scan = scanUpload(system.parts, id, stop.signal);
    await begun.promise;
    stop.abort(new Error('stopping'));
    await scan;
    expect(await statusOf(id)).toEqual(['quarantined', null]);
    expect(await takeDueUploads(system.pool, 10)).toEqual([id]);
  });

  it('that nobody goes on with is taken over when its claim has run out', async () => {
    await open();
    const id = await take();
    await system.pool.query(`update upload set status = 'scanning', next_check_at = now() - interval '1 second'`);
    expect(await takeDueUploads(system.pool, 10)).toEqual([id]);
    expect(await takeDueUploads(system.pool, 10)).toEqual([]);
    expect((await statusOf(id))[0]).toBe('quarantined');
    await system.scan(id);
    expect((await statusOf(id))[0]).toBe('clean');
  });

  it('75: comes without a doorbell, when its time has come', async () => {
    await open();
    const id = await take();
    expect(await takeDueUploads(system.pool, 10)).toEqual([]);
    await system.pool.query(`update upload set next_check_at = now()`);
    expect(await takeDueUploads(system.pool, 10)).toEqual([id]);
  });
});

describe('equal files', () => {
  it('of one owner share their bytes and their verdict, until the last is deleted', async () => {
    let scans = 0;
    await open({
      scanner: scannerThat(async () => {
        scans += 1;
        return { kind: 'clean' };
      }),
    });
    const ids = [await take(), await take(), await take()];
    for (const id of ids) await system.scan(id);
    expect(scans).toBe(1);
    expect(system.files()).toMatchObject({ quarantine: [], clean: [expect.any(String)] });
    for (const [index, id] of ids.entries()) {
      expect((await send(system.origin, `/api/uploads/${id}/content`)).body.toString()).toBe('hello');
      await send(system.origin, `/api/uploads/${id}`, { method: 'DELETE' });
      expect(system.files().clean).toHaveLength(index === 2 ? 0 : 1);
    }
  });

  it.each(['lost', 'not what they were'])('share no bytes that are %s', async (how) => {
    await open();
    await system.scan(await take());
    const path = join(system.dataDir, 'clean', system.files().clean[0]!);
    if (how === 'lost') rmSync(path);
    else writeFileSync(path, 'hallo');
    const again = await take();
    await system.scan(again);
    expect((await send(system.origin, `/api/uploads/${again}/content`)).body.toString()).toBe('hello');
  });

  it('68: of two owners share nothing, so that nobody learns of the other', async () => {
    let scans = 0;
    await open({
      scanner: scannerThat(async () => {
        scans += 1;
        return { kind: 'clean' };
      }),
    });
    const ids = [await take(), await take('hello', { caller: STRANGER })];
    for (const id of ids) await system.scan(id);
    expect(scans).toBe(2);
    expect(system.files().clean).toHaveLength(2);
  });

  it('share no verdict if they claim to be something else', async () => {
    let scans = 0;
    await open({
      scanner: scannerThat(async () => {
        scans += 1;
        return { kind: 'clean' };
      }),
    });
    await system.scan(await take());
    const { json } = await upload(system.origin, { filename: 'a.md', type: 'text/markdown', content: 'hello' });
    await system.scan(json.id);
    expect(scans).toBe(2);
  });

  it('lose no byte when one is deleted while another begins to share', async () => {
    await open();
    for (let round = 0; round < 30; round += 1) {
      const first = await take(`round ${round}`);
      await system.scan(first);
      const second = await take(`round ${round}`);
      await Promise.all([system.scan(second), send(system.origin, `/api/uploads/${first}`, { method: 'DELETE' })]);
      // Where the deletion was first, the claim of the second has to run out.
      await system.pool.query(`update upload set next_check_at = now() where status = 'scanning'`);
      await system.scan(second);
      const served = await send(system.origin, `/api/uploads/${second}/content`);
      expect(served.body.toString()).toBe(`round ${round}`);
    }
  });
});

describe('a file that was clean', () => {
  it('is scanned again when the signatures have changed, and is gone for all when it turned bad', async () => {
    let verdict: ScanVerdict = { kind: 'clean' };
    const guard = { ...guardThat(READY) };
    await open({ guard, scanner: scannerThat(async () => verdict) });
    const ids = [await take(), await take()];
    for (const id of ids) await system.scan(id);
    const rung: string[] = [];
    const ring = async (some: readonly string[]): Promise<void> => void rung.push(...some);
    expect(await sweepOutdated({ pool: system.pool, ring }, 'v', never)).toBe(0);
    expect(await sweepOutdated({ pool: system.pool, ring }, 'v2', never)).toBe(2);
    expect(rung.toSorted()).toEqual(ids.toSorted());
    expect(await sweepOutdated({ pool: system.pool, ring }, 'v2', never, 1)).toBe(1);
    expect(rung.at(-1)).toBe(ids[0]);
    verdict = { kind: 'infected', signature: 'New' };
    Object.assign(guard, { state: { ...READY, signatures: { kind: 'official', version: 'v2', madeAt: new Date() } } });
    for (const id of ids) await system.scan(id);
    for (const id of ids) {
      expect(await statusOf(id)).toEqual(['infected', 'infected']);
      expect(await eventsOf(id)).toEqual(['upload.infected']);
      expect(await announcedOf(id)).toEqual(['upload.clean', 'upload.infected']);
      expect((await send(system.origin, `/api/uploads/${id}/content`)).status).toBe(410);
    }
    expect(system.files().clean).toEqual([]);
  });

  it('whose file is missing keeps no other from being scanned again', async () => {
    const guardOf = (version: string) => guardThat({ ...READY, signatures: { ...READY.signatures, version } });
    await open({ guard: guardOf('1.4.6/1') });
    const ids = [await take('one'), await take('two')];
    for (const id of ids) await system.scan(id);
    for (const name of system.files().clean) rmSync(join(system.dataDir, 'clean', name));
    ids.push(await take('three'));
    await system.scan(ids[2]!);
    const rung: string[] = [];
    const ring = async (some: readonly string[]): Promise<void> => void rung.push(...some);
    const newer = { ...system.parts, guard: guardOf('1.4.6/2') };
    for (let sweep = 0; sweep < 3; sweep += 1) {
      await sweepOutdated({ pool: system.pool, ring }, '1.4.6/2', never, 1);
      await scanUpload(newer, rung.at(-1)!, never);
    }
    expect(rung).toEqual(ids);
    const { rows } = await system.pool.query('select signature_version as version from upload order by id');
    expect(rows.map(({ version }) => version)).toEqual(['file missing', 'file missing', '1.4.6/2']);
  });

  it('says for ever that only test signatures have seen it', async () => {
    const guard = { ...guardThat(READY) };
    await open({ guard });
    const id = await take();
    await system.scan(id);
    Object.assign(guard, { state: { ...READY, signatures: { kind: 'official', version: 'v2', madeAt: new Date() } } });
    await system.scan(id);
    const { rows } = await system.pool.query('select signatures, signature_version from upload');
    expect(rows).toEqual([{ signatures: 'test-only', signature_version: 'v2' }]);
  });
});

describe('the sweeps', () => {
  it('remove files that no row names, and no others', async () => {
    await open();
    const clean = await take('one');
    await system.scan(clean);
    await take('two');
    await storeFile(system.storage, 'orphan');
    writeFileSync(join(system.dataDir, 'clean', 'f'.repeat(64)), 'orphan');
    expect(await sweepOrphans(system, never)).toBe(0);
    expect(await sweepOrphans(system, never, 0)).toBe(2);
    expect(system.files().quarantine).toHaveLength(1);
    expect(system.files().clean).toHaveLength(1);
  });

  it('give up what nobody could scan for a week', async () => {
    await open();
    const id = await take();
    expect(await sweepExpired(system.parts, never)).toBe(0);
    await system.pool.query(`update upload set created_at = now() - interval '8 days'`);
    expect(await sweepExpired(system.parts, never)).toBe(1);
    expect(await announcedOf(id)).toEqual(['upload.expired']);
    expect(await statusOf(id)).toEqual(['expired', 'expired']);
    const { status, json } = await send(system.origin, `/api/uploads/${id}/content`);
    expect([status, json.code]).toEqual([410, 'expired']);
    expect(system.files().quarantine).toEqual([]);
  });

  it('give up what a worker was scanning when it ended, and nothing that is being scanned', async () => {
    await open();
    const id = await take();
    await system.pool.query(
      `update upload set status = 'scanning', created_at = now() - interval '8 days', next_check_at = now() + interval '20 s'`,
    );
    expect(await sweepExpired(system.parts, never)).toBe(0);
    await system.pool.query('update upload set next_check_at = now()');
    expect(await sweepExpired(system.parts, never)).toBe(1);
    expect(await statusOf(id)).toEqual(['expired', 'expired']);
  });

  it('forget deleted uploads after a month', async () => {
    await open();
    const id = await take();
    await send(system.origin, `/api/uploads/${id}`, { method: 'DELETE' });
    expect(await sweepDeleted(system, never)).toBe(0);
    await system.pool.query(`update upload set deleted_at = now() - interval '31 days'`);
    expect(await sweepDeleted(system, never)).toBe(1);
    expect((await system.pool.query('select 1 from upload')).rowCount).toBe(0);
  });
});

describe('the guard', () => {
  const official = { kind: 'official' as const, version: '1/2', madeAt: new Date('2026-11-20') };
  const now = (): number => Date.parse('2026-11-24');
  const good: Scanner = {
    async scan(source) {
      const chunks = [];
      for await (const chunk of source.read()) chunks.push(chunk);
      return Buffer.concat(chunks).includes(eicar()) || chunks.length > 1
        ? { kind: 'infected', signature: 'Eicar' }
        : { kind: 'clean' };
    },
  };

  it.each([
    ['the canary was not found', { scanner: scannerThat(async () => ({ kind: 'clean' })) }],
    ['the canary was not found', { scanner: scannerThat(async () => ({ kind: 'infected', signature: 'All' })) }],
    ['the signatures do not say how old they are', { identify: async () => ({ ...official, madeAt: undefined }) }],
    ['older than 7 days', { identify: async () => ({ ...official, madeAt: new Date('2026-11-01') }) }],
    [
      'only test signatures',
      { identify: async () => ({ ...official, kind: 'test-only' as const, madeAt: undefined }) },
    ],
    ['scan-inconclusive', { scanner: scannerThat(failing('scan-inconclusive')) }],
    ['scanner-unavailable', { identify: failing('scanner-unavailable') as never }],
    ['clamd reads less than we accept: MaxFiles', { scanner: smallSighted(good) }],
  ])('74m: lets nothing be scanned when %s', async (why, wrong) => {
    await open();
    const options = {
      scanner: good,
      identify: async () => official,
      maxBytes: 100_000,
      allowTestSignatures: false,
      now,
    };
    const guard = openScanGuard({ ...options, ...wrong, log: system.parts.log });
    expect(await guard.isScannerWell()).toBe(false);
    await guard.close();
    expect(guard.state).toMatchObject({ isReady: false, why: expect.stringContaining(why) });
  });

  it('lets go on when all is well again, and tells of both', async () => {
    await open();
    let isWell = false;
    const scanner: Scanner = { scan: (source) => (isWell ? good.scan(source) : failing('scanner-unavailable')()) };
    const options = { scanner, identify: async () => official, maxBytes: 100_000, allowTestSignatures: false, now };
    const guard = openScanGuard({ ...options, log: system.parts.log, retryMs: 10 });
    const told: boolean[] = [];
    guard.onChange(({ isReady }) => told.push(isReady));
    expect(await guard.isScannerWell()).toBe(false);
    isWell = true;
    while (!guard.state.isReady) await sleep(5);
    await guard.close();
    expect(told).toEqual([false, true]);
  });

  /** Finds nothing in an archive of more than 500 entries. */
  function smallSighted(scanner: Scanner): Scanner {
    return {
      async scan(source) {
        const chunks: Buffer[] = [];
        for await (const chunk of source.read()) chunks.push(chunk);
        const entries = Buffer.concat(chunks).toString('latin1').split('PK\u0001\u0002').length;
        return entries > 500 ? { kind: 'clean' } : scanner.scan(source);
      },
    };
  }
});

describe('a promoted file', () => {
  it('is byte by byte the one that came in', async () => {
    await open();
    for (const extension of ['png', 'zip']) {
      const { type, content } = sample(extension);
      const { json } = await upload(system.origin, { filename: `a.${extension}`, type, content });
      await system.scan(json.id);
    }
    const { rows } = await system.pool.query<{ name: string; sha256: Buffer }>(
      'select stored_name as name, sha256 from upload',
    );
    for (const { name } of rows) {
      const content = await readFile(join(system.dataDir, 'clean', name));
      expect([sample('png').content, sample('zip').content].some((each) => each.equals(content))).toBe(true);
    }
  });
});
