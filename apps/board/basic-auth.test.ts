import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLocalLimiter } from '#limits/local-limiter.ts';
import { listen } from '#runtime/http-server.ts';
import { openLog } from '#runtime/log.ts';
import { requireBasicAuth } from './basic-auth.ts';

const USER = 'ops';
const PASSWORD = 'päss:word-with-colon';

interface Attempt {
  authorization?: string;
  from?: string;
}

async function openDoor(refused: string[] = []): Promise<(attempt: Attempt) => Promise<Response>> {
  const app = express();
  app.use(
    requireBasicAuth({
      user: USER,
      password: PASSWORD,
      limiter: openLocalLimiter(),
      addressOf: ({ headers }) => String(headers['x-test-address']),
      log: openLog({ name: 'test', level: 'silent' }),
      observe: { refused: (_request, reason) => refused.push(reason) },
    }),
    (_request, response) => void response.send('inside'),
  );
  const server = await listen(app, { host: '127.0.0.1', port: 0, setting: 'PORT' });
  onTestFinished(() => server.close());
  return ({ authorization, from = '192.0.2.1' }) =>
    fetch(`http://127.0.0.1:${server.port}/`, {
      headers: { 'x-test-address': from, ...(authorization === undefined ? {} : { authorization }) },
    });
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

const RIGHT = basic(`${USER}:${PASSWORD}`);

describe('requireBasicAuth', () => {
  it('lets in who brings the name and the password, in UTF-8, with colons and all', async () => {
    const enter = await openDoor();
    const response = await enter({ authorization: RIGHT });
    expect([response.status, await response.text()]).toEqual([200, 'inside']);
  });

  it.each([
    ['nothing', undefined],
    ['another scheme', 'Bearer abc'],
    ['no credentials', 'Basic'],
    ['what is not base64', 'Basic %%%'],
    ['a wrong password', basic(`${USER}:wrong`)],
    ['a wrong name', basic(`root:${PASSWORD}`)],
    ['no colon', basic(`${USER}${PASSWORD}`)],
    ['the beginning of the password', basic(`${USER}:päss`)],
    ['more than the password', basic(`${USER}:${PASSWORD}x`)],
    ['empty ones', basic(':')],
  ])('asks for credentials where there is %s', async (_, authorization) => {
    const enter = await openDoor();
    const response = await enter(authorization === undefined ? {} : { authorization });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]+", charset="UTF-8"$/);
    expect(await response.text()).not.toContain('inside');
  });

  it('refuses a network after five failures, the right password included, and no other network', async () => {
    const enter = await openDoor();
    const wrong = basic('ops:guess');
    for (let failure = 0; failure < 5; failure += 1) {
      expect((await enter({ authorization: wrong, from: `2001:db8:0:10::${failure + 1}` })).status).toBe(401);
    }
    for (const authorization of [wrong, RIGHT]) {
      const response = await enter({ authorization, from: '2001:db8:0:1f::9' });
      expect(response.status).toBe(429);
      const retryAfter = Number(response.headers.get('retry-after'));
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
    expect((await enter({ authorization: RIGHT, from: '2001:db8:0:100::1' })).status).toBe(200);
    expect((await enter({ authorization: RIGHT, from: '192.0.2.1' })).status).toBe(200);
  });

  it('counts neither a right password nor a request without one', async () => {
    const enter = await openDoor();
    for (let request = 0; request < 10; request += 1) {
      expect((await enter({})).status).toBe(401);
      expect((await enter({ authorization: RIGHT })).status).toBe(200);
    }
  });

  it('tells of each wrong password and of each try after that, and of nothing else', async () => {
    const refused: string[] = [];
    const enter = await openDoor(refused);
    await enter({});
    await enter({ authorization: RIGHT });
    for (let failure = 0; failure < 7; failure += 1) await enter({ authorization: basic('ops:guess') });
    expect(refused).toEqual([...Array(5).fill('password-wrong'), 'sign-ins-exceeded', 'sign-ins-exceeded']);
  });

  it('lets five of a hundred guesses at once be compared', async () => {
    const enter = await openDoor();
    const guesses = Array.from({ length: 100 }, (_, guess) => enter({ authorization: basic(`ops:${guess}`) }));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(95);
  });
});
