import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { record } from '#audit/record.ts';
import { inTransaction } from '#database/pool.ts';
import { openLimiter } from '#limits/limiter.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { handleEvents } from '#webhooks/handle-events.ts';
import { insertOwnEvents } from '#webhooks/insert-own-events.ts';
import type { Reopened } from '#webhooks/reopen-receipts.ts';
import { ADMIN_ID, callerByHeader, startApp } from '../testing/start-app.ts';
import { webhookEventRoutes } from './webhook-events.ts';

let database: TestDatabase;
let app: Awaited<ReturnType<typeof startApp>>;
const rung: Reopened[] = [];
let isRecording = true;

beforeAll(async () => {
  database = await openTestDatabase();
  const context = {
    pool: database.pool,
    sources: new Map(),
    record: (...args: Parameters<typeof record>) =>
      isRecording ? record(...args) : Promise.reject(new Failure('database-unavailable')),
    onReopened: (reopened: Reopened) => void rung.push(reopened),
  };
  const limiter = openLimiter();
  const clientAddressOf = () => '203.0.113.80';
  app = await startApp([webhookEventRoutes({ context, limiter, requireCaller: callerByHeader, clientAddressOf })]);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await database.pool.query('delete from webhook_event');
  rung.length = 0;
  isRecording = true;
});

/** Verdicts on uploads that were given up. */
async function keepDead(count = 1): Promise<string[]> {
  const drafts = Array.from({ length: count }, () => {
    const uploadId = newId();
    return {
      key: `${uploadId}:infected`,
      type: 'upload.infected',
      occurredAt: new Date(),
      subjects: ['user:somebody'],
      data: { uploadId, status: 'infected', originalName: 'holiday.zip' },
      raw: null,
      correlationId: uploadId,
      traceparent: null,
    };
  });
  const ids = await inTransaction(database.pool, (client) => insertOwnEvents(client, drafts, () => true));
  await database.pool.query(
    "update webhook_event set state = 'dead', attempts = 10, last_error = 'answered 500', next_check_at = null, closed_at = now()",
  );
  return ids;
}

async function call(method: string, path: string, role = 'admin') {
  const response = await fetch(`${app.origin}/api/webhook-events${path}`, { method, headers: { 'x-role': role } });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const rowOf = async (id: string) =>
  (
    await database.pool.query(
      'select state, replay, attempts, last_error, next_check_at <= now() as is_due from webhook_event where id = $1',
      [id],
    )
  ).rows[0];

const DEAD = { state: 'dead', replay: 0, attempts: 10 };

describe('an event that came of no webhook', () => {
  it('is opened with a new number when it is dead, recorded and rung for', async () => {
    const [id = ''] = await keepDead();
    expect(await call('POST', `/${id}/replay`)).toEqual({ status: 204, body: undefined });
    expect(await rowOf(id)).toEqual({ state: 'open', replay: 1, attempts: 0, last_error: null, is_due: true });
    expect(rung).toEqual([{ receiptIds: [], eventIds: [id], count: 1 }]);
    const { rows } = await database.pool.query(
      `select actor_id, target_kind, source, address_prefix, details from security_event
       where type = 'event.replayed' and target_id = $1`,
      [id],
    );
    expect(rows).toEqual([
      {
        actor_id: ADMIN_ID,
        target_kind: 'event',
        source: 'uploads',
        address_prefix: '203.0.113.80/32',
        details: { type: 'upload.infected' },
      },
    ]);
  });

  it('has its handlers do their work then, once', async () => {
    const applied: number[] = [];
    const handler = {
      name: 'counting',
      wants: () => true,
      apply: (_client: unknown, { replay }: { replay: number }) => {
        applied.push(replay);
        return Promise.resolve();
      },
    };
    const [id = ''] = await keepDead();
    const handle = () => handleEvents(database.pool, [handler], [id], new AbortController().signal);
    await handle();
    await call('POST', `/${id}/replay`);
    await handle();
    await handle();
    expect(applied).toEqual([1]);
    expect(await rowOf(id)).toMatchObject({ state: 'done', replay: 1 });
  });

  it('is opened once by replays at the same time', async () => {
    const [id = ''] = await keepDead();
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', `/${id}/replay`)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(await rowOf(id)).toMatchObject({ state: 'open', replay: 1 });
  });

  it.each([
    ['received', 'update webhook_event set receipt_id = gen_random_uuid()'],
    ['open', "update webhook_event set state = 'open'"],
    ['erased', "update webhook_event set event_key = 'erased:' || id"],
  ])('is not opened where it is %s', async (obstacle, arrangement) => {
    const [id = ''] = await keepDead();
    await database.pool.query(arrangement);
    expect(await call('POST', `/${id}/replay`)).toMatchObject({
      status: 422,
      body: { code: 'event-unreplayable', obstacle },
    });
    expect(await rowOf(id)).toMatchObject({ replay: 0 });
    expect(rung).toEqual([]);
  });

  it('is not opened if that can not be recorded', async () => {
    const [id = ''] = await keepDead();
    isRecording = false;
    expect((await call('POST', `/${id}/replay`)).status).toBe(503);
    expect(await rowOf(id)).toMatchObject(DEAD);
    expect(rung).toEqual([]);
  });

  it('is unknown, or not for everybody', async () => {
    const [id = ''] = await keepDead();
    expect((await call('POST', `/${newId()}/replay`)).status).toBe(404);
    expect((await call('POST', '/x/replay')).status).toBe(404);
    for (const role of ['agent', 'user']) {
      expect((await call('POST', `/${id}/replay`, role)).status).toBe(403);
      expect((await call('GET', '', role)).status).toBe(403);
    }
    expect(await rowOf(id)).toMatchObject(DEAD);
  });
});

describe('the list', () => {
  it('has the newest first, in pages, each once', async () => {
    const ids = [...(await keepDead(5)), ...(await keepDead(2))];
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await call('GET', `?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...body.items.map((item: { id: string }) => item.id));
      cursor = body.nextCursor ?? '';
    } while (cursor !== '');
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect(ids.slice(5)).toEqual(expect.arrayContaining(seen.slice(0, 2)));
  });

  it('has those of one state, masked, and none that came in a webhook', async () => {
    const [dead, done, received] = await keepDead(3);
    await database.pool.query("update webhook_event set state = 'done' where id = $1", [done]);
    await database.pool.query('update webhook_event set receipt_id = gen_random_uuid() where id = $1', [received]);
    const { body } = await call('GET', '?state=dead');
    expect(body.items).toMatchObject([
      { id: dead, type: 'upload.infected', state: 'dead', lastError: 'answered 500', data: { status: 'infected' } },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/holiday|somebody/);
    expect((await call('GET', '')).body.items).toHaveLength(2);
  });

  it.each(['?state=new', '?limit=0', '?cursor=x', '?source=shop'])('has a shape: %s', async (query) => {
    expect((await call('GET', query)).status).toBe(400);
  });
});
