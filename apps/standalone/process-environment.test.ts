import { expect, it } from 'vitest';
import { environmentsOf, forwardingTo, forwardsNowhere } from './process-environment.ts';

const generated = {
  database: { superuser: 's', owner: 'o', app: 'a' },
  files: { secrets: '', admin: '' },
  fresh: false,
  for: (process: string): Record<string, string> =>
    process === 'migrate'
      ? { ADMIN_EMAIL: 'a@b.localhost', ADMIN_PASSWORD: 'p' }
      : { [`SECRET_OF_${process.toUpperCase()}`]: 'x' },
};
const env = { PATH: '/bin', ADMIN_PASSWORD_FILE: '/run/admin', WHATSAPP_APP_SECRET: 'given' };
const settings = { DATABASE_URL: 'postgres://app', MIGRATE_DATABASE_URL: 'postgres://owner', PORT: '4000' };

it('gives what the schema is owned by, and the first admin, to the migration only', () => {
  const { ingress, worker, board, migrate } = environmentsOf({ env, settings, generated });
  for (const environment of [ingress, worker, board]) {
    expect(environment).not.toHaveProperty('MIGRATE_DATABASE_URL');
    expect(environment).not.toHaveProperty('ADMIN_PASSWORD_FILE');
    expect(environment).toMatchObject({ PATH: '/bin', DATABASE_URL: 'postgres://app', WHATSAPP_APP_SECRET: 'given' });
  }
  expect(migrate).toMatchObject({ MIGRATE_DATABASE_URL: 'postgres://owner', ADMIN_EMAIL: 'a@b.localhost' });
  expect(ingress).toHaveProperty('SECRET_OF_INGRESS');
  expect(board).not.toHaveProperty('SECRET_OF_INGRESS');
});

it('tells tools what they need, and nothing of the rest of the environment', () => {
  const { running } = environmentsOf({ env: { PATH: '/bin', WHATSAPP_APP_SECRET: 'given' }, settings, generated });
  expect(running).toEqual({
    DATABASE_URL: 'postgres://app',
    MIGRATE_DATABASE_URL: 'postgres://owner',
    ADMIN_EMAIL: 'a@b.localhost',
    ADMIN_PASSWORD: 'p',
    WHATSAPP_APP_SECRET: 'given',
  });
});

it.each([
  [{}, true],
  [{ FORWARD_URL: '' }, true],
  [{ FORWARD_URL: 'https://app.example.com' }, false],
  [{ FORWARD_URL_FILE: '/run/url' }, false],
  [{ FORWARD_SECRET: 'whsec_x' }, false],
])('takes %j for events that go nowhere: %s', (given, isNowhere) => {
  expect(forwardsNowhere(given)).toBe(isNowhere);
});

it.each([
  [undefined, '127.0.0.1:5000'],
  ['no', '127.0.0.1:5000'],
  ['yes', 'yes'],
  ['10.0.0.5:80', '10.0.0.5:80,127.0.0.1:5000'],
])('lets a worker that may reach %s reach the inbox as well, and no more', (given, expected) => {
  const inbox = { url: 'http://127.0.0.1:5000/events', secret: 'whsec_x', host: '127.0.0.1:5000' };
  expect(forwardingTo(inbox, { PATH: '/bin', FORWARD_ALLOW_PRIVATE: given })).toEqual({
    PATH: '/bin',
    FORWARD_URL: inbox.url,
    FORWARD_SECRET: inbox.secret,
    FORWARD_ALLOW_PRIVATE: expected,
  });
});
