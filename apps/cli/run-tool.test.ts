import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it.each<[string, Record<string, string>, RegExp]>([
  ['nothing runs', {}, /DATABASE_URL: required\n.*npm start/],
  [
    'the database does not answer',
    { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' },
    /^connect ECONNREFUSED .*\nnpm run doctor/,
  ],
])('a tool says what to do where %s, and shows no stack', (_, env, message) => {
  const { status, stderr } = spawnSync(process.execPath, ['apps/cli/user.ts', 'list'], {
    env: { DATA_DIR: '/nonexistent', ...env },
    encoding: 'utf8',
  });
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('    at ');
  expect(status).toBe(2);
});
