import { once } from 'node:events';
import { Router, type RequestHandler } from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { openDelays } from '#limits/delays.ts';
import { openLimiter } from '#limits/limiter.ts';
import { openLocalLimiter } from '#limits/local-limiter.ts';
import { Failure, type FailureCode } from '#runtime/failure.ts';
import { progressiveDelayMiddleware } from './progressive-delay.ts';
import { limitRefusals } from './refusal-limit.ts';
import { startApp } from './testing/start-app.ts';

const ADDRESS = '198.18.0.1';
const clientAddressOf = (): string => ADDRESS;

/** Sends so many requests that are refused only after their sender has hung up, and then one whose answer it reads. */
async function statusAfter(hangUps: number, limit: RequestHandler, code: FailureCode): Promise<number> {
  let arrived = Promise.withResolvers<void>();
  const late = Router().get('/late', async (_request, response) => {
    arrived.resolve();
    await once(response, 'close');
    throw new Failure(code);
  });
  const next = Router().get('/next', (_request, response) => void response.json({}));
  const app = await startApp([Router().use(limit), late, next]);
  onTestFinished(() => app[Symbol.asyncDispose]());
  for (let time = 0; time < hangUps; time += 1) {
    arrived = Promise.withResolvers<void>();
    const hangUp = new AbortController();
    const given = fetch(`${app.origin}/late`, { signal: hangUp.signal }).catch(() => undefined);
    await Promise.race([arrived.promise, given]);
    hangUp.abort();
    await given;
  }
  // The last one may not have been refused yet.
  let status = 200;
  for (let time = 0; time < 100 && status === 200; time += 1) status = (await fetch(`${app.origin}/next`)).status;
  return status;
}

it('counts a refusal also where its sender has hung up before it', async () => {
  const limiter = openLocalLimiter();
  const observe = { decided: () => undefined, hit: () => undefined };
  for (let time = 0; time < 598; time += 1) {
    limiter.consume({ name: 'refusals', points: 600, windowSeconds: 60 }, `${ADDRESS}/32`);
  }
  const limit = limitRefusals({ limiter, clientAddressOf, observe });
  expect(await statusAfter(2, limit, 'token-invalid')).toBe(429);
});

it('makes a network wait for wrong passwords whose answer it has not waited for', async () => {
  const rules = { name: 'test-delay', free: 1, baseSeconds: 60, capSeconds: 60, memorySeconds: 60 };
  const limit = progressiveDelayMiddleware({ delays: openDelays(openLimiter(), rules), clientAddressOf });
  expect(await statusAfter(2, limit, 'login-failed')).toBe(429);
});
