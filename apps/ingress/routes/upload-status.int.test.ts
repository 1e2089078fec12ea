import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pool } from '#database/pool.ts';
import { send, upload, type HttpAnswer } from '#testing/upload-client.ts';
import { AGENT, STRANGER, type UploadSystem } from '#testing/upload-core.ts';
import { openUploadSystem } from '#testing/upload-system.ts';

describe('the status of an upload', () => {
  let system: UploadSystem;
  beforeAll(async () => {
    system = await openUploadSystem({ isScanningByHand: true });
  });
  afterAll(() => system?.[Symbol.asyncDispose]());

  let count = 0;
  async function take(): Promise<string> {
    count += 1;
    const { json } = await upload(system.origin, { filename: 'a.txt', type: 'text/plain', content: `file ${count}` });
    return json.id;
  }
  const get = (id: string, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
    send(system.origin, `/api/uploads/${id}`, { headers });

  it('carries a strong ETag, and is answered 304 while it is the same', async () => {
    const id = await take();
    const first = await get(id);
    expect([first.status, first.headers.etag, first.headers['cache-control']]).toEqual([
      200,
      '"v1"',
      'private, no-cache',
    ]);
    const same = await get(id, { 'if-none-match': '"v1"' });
    expect([same.status, same.body.length, same.headers.etag]).toEqual([304, 0, '"v1"']);
    await system.scan(id);
    const changed = await get(id, { 'if-none-match': '"v1"' });
    expect([changed.status, changed.json.status, changed.headers.etag]).toEqual([200, 'clean', '"v3"']);
    expect(changed.json.links).toEqual({ self: `/api/uploads/${id}`, content: `/api/uploads/${id}/content` });
  });

  it('is held while nothing changes, and answered when something does', async () => {
    const id = await take();
    const begunMs = performance.now();
    const waiting = get(id, { prefer: 'wait=20', 'if-none-match': '"v1"' });
    setTimeout(() => void system.scan(id), 200);
    const answer = await waiting;
    expect(answer.headers).toMatchObject({ 'preference-applied': 'wait=20', vary: expect.stringContaining('Prefer') });
    expect(['scanning', 'clean']).toContain(answer.json.status);
    expect(performance.now() - begunMs).toBeLessThan(5_000);
    const final = await get(id, { prefer: 'wait=20' });
    expect(final.json.status).toBe('clean');
  });

  it('is answered as it is when the time is up', async () => {
    const id = await take();
    const begunMs = performance.now();
    const answer = await get(id, { prefer: 'respond-async, wait=1', 'if-none-match': '"v1"' });
    expect(answer.status).toBe(304);
    expect(performance.now() - begunMs).toBeGreaterThan(900);
  });

  it(
    'is told to a thousand who wait within a moment, without one question to the database for each meanwhile',
    { timeout: 60_000 },
    async () => {
      const ids = await Promise.all(Array.from({ length: 20 }, take));
      const waiters = ids.flatMap((id) =>
        Array.from({ length: 50 }, (_, index) =>
          // Fifty callers, because one may only wait so often.
          send(system.origin, `/api/uploads/${id}`, { caller: agent(index), headers: { prefer: 'wait=25' } }),
        ),
      );
      while (system.changes.waiting < waiters.length) await new Promise((resolve) => setTimeout(resolve, 20));
      const asked = countQuestions(system.pool);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(asked()).toBe(0);
      const begunMs = performance.now();
      await Promise.all(ids.map((id) => system.scan(id)));
      const answers = await Promise.all(waiters);
      expect(new Set(answers.map(({ json }) => json.status))).toEqual(new Set(['clean']));
      expect(performance.now() - begunMs).toBeLessThan(10_000);
      expect(system.changes.waiting).toBe(0);
    },
  );

  it(
    'tells who waits no later than 50 ms after the end of the scan, 95 times of 100',
    { timeout: 60_000 },
    async () => {
      const delays: number[] = [];
      for (let round = 0; round < 40; round += 1) {
        const id = await take();
        const waiting = get(id, { prefer: 'wait=20' }).then(() => performance.now());
        while (system.changes.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        await system.scan(id);
        const endMs = performance.now();
        delays.push((await waiting) - endMs);
      }
      const sorted = delays.toSorted((a, b) => a - b);
      expect(sorted[Math.floor(sorted.length * 0.95) - 1]).toBeLessThan(50);
    },
  );

  it('answers everyone who waits when the process stops', async () => {
    const stopping = await openUploadSystem({ isScanningByHand: true });
    const { json } = await upload(stopping.origin, { filename: 'a.txt', type: 'text/plain', content: 'hello' });
    const waiting = send(stopping.origin, `/api/uploads/${json.id}`, { headers: { prefer: 'wait=25' } });
    while (stopping.changes.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stopping.changes.close();
    expect((await waiting).json.status).toBe('quarantined');
    await stopping[Symbol.asyncDispose]();
  });

  it('survives the loss of the connection that hears of changes', async () => {
    const id = await take();
    const waiting = get(id, { prefer: 'wait=20' });
    while (system.changes.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await system.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'portcullis-listen-upload_changed' and datname = current_database()`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await system.scan(id);
    expect((await waiting).json.status).toBe('clean');
  });

  it('lists the own uploads, newest first, page by page', async () => {
    const ids = [await take(), await take(), await take()];
    const first = await send(system.origin, '/api/uploads?limit=2');
    expect(first.json.items.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]]);
    const second = await send(system.origin, `/api/uploads?limit=1&cursor=${first.json.nextCursor}`);
    expect(second.json.items[0].id).toBe(ids[0]);
    expect((await send(system.origin, '/api/uploads', { caller: STRANGER })).json).toEqual({
      items: [],
      nextCursor: null,
    });
    for (const query of ['limit=0', 'limit=201', 'cursor=x', 'owner=y']) {
      expect((await send(system.origin, `/api/uploads?${query}`)).status).toBe(400);
    }
  });

  it('lists a ticket for agents whole, and for others only what is theirs', async () => {
    const part = { filename: 'a.txt', type: 'text/plain', content: 'hello' };
    await upload(system.origin, part, { ticketId: 'shared' });
    await upload(system.origin, part, { ticketId: 'shared', caller: STRANGER });
    const counts = [];
    for (const caller of [undefined, STRANGER, AGENT]) {
      counts.push((await send(system.origin, '/api/attachments/shared', { caller })).json.items.length);
    }
    expect(counts).toEqual([1, 1, 2]);
  });
});

/** Agents see every upload. */
function agent(index: number): string {
  return `10000000-0000-7000-8000-${String(index).padStart(12, '0')}`;
}

/** Counts what is asked of a pool from now on. */
function countQuestions(pool: Pool): () => number {
  const ask = pool.query.bind(pool) as (...question: unknown[]) => unknown;
  let count = 0;
  pool.query = ((...question: unknown[]) => {
    count += 1;
    return ask(...question);
  }) as Pool['query'];
  return () => count;
}
