import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasClamd, openTestClamd } from '#testing/clamd.ts';
import { send, upload, verdictOf } from '#testing/upload-client.ts';
import { AGENT, STRANGER, type UploadSystem } from '#testing/upload-core.ts';
import { openUploadSystem } from '#testing/upload-system.ts';
import type { LocalClamd } from '#uploads/local-clamd.ts';
import { eicar } from '#uploads/test-signatures.ts';

describe.skipIf(!hasClamd)('an upload', () => {
  let clamd: LocalClamd;
  let system: UploadSystem;
  beforeAll(async () => {
    clamd = await openTestClamd();
    system = await openUploadSystem({ clamd: clamd.address });
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await clamd?.[Symbol.asyncDispose]();
  });

  it('is accepted at once, scanned, and served as it came', async () => {
    const content = Buffer.from('hello\n');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const accepted = await upload(system.origin, { filename: 'note.txt', type: 'text/plain', content });
    expect(accepted.status).toBe(202);
    expect(accepted.headers['retry-after']).toBe('1');
    expect(accepted.headers.location).toBe(`/api/uploads/${accepted.json.id}`);
    expect(accepted.json).toMatchObject({
      status: 'quarantined',
      size: 6,
      sha256,
      originalName: 'note.txt',
      ticketId: 'ticket-1',
    });
    const status = await verdictOf(system.origin, accepted.json.id);
    expect(status.json).toMatchObject({
      status: 'clean',
      reason: null,
      verification: 'text-heuristic',
      signatures: 'test-only',
    });
    const served = await send(system.origin, `/api/uploads/${accepted.json.id}/content`);
    expect(served.status).toBe(200);
    expect(served.body.equals(content)).toBe(true);
  });

  it('that is infected is never served, and its bytes are gone', async () => {
    const accepted = await upload(system.origin, { filename: 'x.txt', type: 'text/plain', content: eicar() });
    const status = await verdictOf(system.origin, accepted.json.id);
    expect(status.json).toMatchObject({ status: 'infected', reason: 'infected' });
    expect(JSON.stringify(status.json)).not.toMatch(/eicar/i);
    const content = await send(system.origin, `/api/uploads/${accepted.json.id}/content`);
    expect([content.status, content.json.code]).toEqual([410, 'infected']);
    await system.settled();
    expect(system.files().quarantine).toEqual([]);
    const { rows } = await system.pool.query(
      `select details from security_event where type = 'upload.infected' and target_id = $1`,
      [accepted.json.id],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].details.signature).toMatch(/^Eicar-Test/);
  });

  it('of somebody else does not exist, but for agents', async () => {
    const { json } = await upload(system.origin, { filename: 'a.txt', type: 'text/plain', content: 'mine' });
    await verdictOf(system.origin, json.id);
    for (const path of [`/api/uploads/${json.id}`, `/api/uploads/${json.id}/content`]) {
      expect((await send(system.origin, path, { caller: STRANGER })).status).toBe(404);
      expect((await send(system.origin, path, { caller: AGENT })).status).toBe(200);
    }
    const removal = await send(system.origin, `/api/uploads/${json.id}`, { method: 'DELETE', caller: STRANGER });
    expect(removal.status).toBe(404);
  });
});
