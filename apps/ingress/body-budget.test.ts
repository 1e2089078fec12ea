import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openDeadlines } from '#runtime/deadlines.ts';
import { sendWrongBody, WRONG_BODY_BYTES } from '#testing/wrong-bodies.ts';
import { openBodyBudget, type BodyBudget } from './body-budget.ts';
import { withBody } from './read-body.ts';

const MEGABYTE = 1_048_576;
const KILOBYTE = 1_024;

/** A budget of 2 MB, one of them for bodies. */
function opened() {
  const budget = openBodyBudget(2 * MEGABYTE);
  return (headers: Record<string, string> = { 'content-length': String(MEGABYTE) }) => {
    const state = { isPaused: false };
    const request = {
      headers,
      pause: () => {
        state.isPaused = true;
      },
      resume: () => {
        state.isPaused = false;
      },
    };
    return Object.assign(state, budget.open(request as unknown as IncomingMessage));
  };
}

it('holds up every large body but the first while there is no room', () => {
  const open = opened();
  const [first, second, third] = [open(), open(), open()];
  first.grew(600 * KILOBYTE);
  second.grew(600 * KILOBYTE);
  expect([first.isPaused, second.isPaused, third.isPaused]).toEqual([false, true, false]);
  third.grew(100 * KILOBYTE);
  first.grew(400 * KILOBYTE);
  expect([first.isPaused, third.isPaused]).toEqual([false, true]);
  expect(open().isPaused).toBe(true);
  expect(open({ 'transfer-encoding': 'chunked' }).isPaused).toBe(true);
});

it('lets the next ones on, in their order, as soon as there is room for each', () => {
  const open = opened();
  const first = open();
  first.grew(MEGABYTE + 1);
  const waiting = Array.from({ length: 20 }, () => open());
  expect(waiting.every(({ isPaused }) => isPaused)).toBe(true);
  first.close();
  expect(waiting.map(({ isPaused }) => isPaused)).toEqual(waiting.map((_, n) => n >= 8));
  waiting[0]!.grew(MEGABYTE + 1);
  waiting[0]!.close();
  expect(waiting[8]!.isPaused).toBe(false);
});

it('never holds up what is small, or has no body', () => {
  const open = opened();
  open().grew(2 * MEGABYTE);
  const small = open({ 'content-length': '1000' });
  small.grew(1_000);
  expect([small.isPaused, open({}).isPaused]).toEqual([false, false]);
});

it('says once whether a reader was held up, and again for as long as it is', () => {
  const open = opened();
  const [first, second] = [open(), open()];
  expect(second.wasHeldUp()).toBe(false);
  second.grew(2 * MEGABYTE);
  expect([second.wasHeldUp(), second.wasHeldUp()]).toEqual([true, true]);
  first.close();
  expect([second.wasHeldUp(), second.wasHeldUp()]).toEqual([true, false]);
});

it('takes no more than it was given for 200 bodies of 3 MB that come at once, nor lets sockets hold more than it says', async () => {
  const budgetBytes = 48 * MEGABYTE;
  const budget = openBodyBudget(budgetBytes);
  const requests = new Set<IncomingMessage>();
  const most = { used: 0, held: 0, open: 0 };
  const watched: BodyBudget = {
    blocks: budget.blocks,
    get usedBytes() {
      return budget.usedBytes;
    },
    open(request) {
      const share = budget.open(request);
      return {
        ...share,
        grew(bytes) {
          share.grew(bytes);
          most.used = Math.max(most.used, budget.usedBytes);
          most.open = Math.max(most.open, requests.size);
          for (const { readableLength, socket } of requests) {
            most.held = Math.max(most.held, readableLength + socket.readableLength);
          }
        },
      };
    },
  };
  const limits = { maxBytes: WRONG_BODY_BYTES, deadlines: openDeadlines(60_000) };
  const server = createServer((request, response) => {
    requests.add(request);
    void withBody(request, watched, limits, {
      look: (body) => (body.length === WRONG_BODY_BYTES ? 403 : 400),
      use: () => Promise.resolve(500),
    }).then((status) => {
      requests.delete(request);
      response.writeHead(status).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const statuses = await Promise.all(Array.from({ length: 200 }, () => sendWrongBody(port, '/')));
  expect(new Set(statuses)).toEqual(new Set([403]));
  expect(most.open).toBeGreaterThan(20);
  expect(most.used).toBeGreaterThan(budgetBytes / 4);
  expect(most.used).toBeLessThanOrEqual(budgetBytes);
  expect(most.held).toBeLessThanOrEqual(128 * KILOBYTE);
  expect(budget.usedBytes).toBe(0);
}, 60_000);
