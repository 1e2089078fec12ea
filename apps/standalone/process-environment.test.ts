import { expect, it } from 'vitest';
import { environmentsOf } from './process-environment.ts';

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
