/**
 * Every task of `node setup/run.mjs <task>`: what Node runs, with which environment, and which programs of the system it
 * wants (see system-packages.mjs). `usesDatabase`: the running system's, unless the environment names one. `needsConsole`: the
 * web pages must be built.
 * @type {Record<string, { script: string, env?: Record<string, string>, wants?: readonly string[], usesDatabase?: boolean,
 *   needsConsole?: boolean }>}
 */
export const tasks = {
  start: { script: 'apps/standalone/main.ts', wants: ['scanner'], needsConsole: true },
  test: { script: 'setup/test.mjs', wants: ['scanner', 'redis', 'browser'], needsConsole: true },
  'test:full': {
    script: 'setup/test.mjs',
    env: { TEST_EFFORT: '10' },
    wants: ['scanner', 'redis', 'browser'],
    needsConsole: true,
  },
  check: { script: 'setup/check.mjs' },
  send: { script: 'apps/cli/send.ts' },
  verify: { script: 'apps/cli/verify.ts' },
  erase: { script: 'apps/cli/erase.ts' },
  audit: { script: 'apps/cli/audit.ts' },
  backup: { script: 'apps/cli/backup.ts' },
  restore: { script: 'apps/standalone/restore.ts' },
  rotate: { script: 'apps/cli/rotate.ts' },
  doctor: { script: 'apps/cli/doctor.ts' },
  user: { script: 'apps/cli/user.ts' },
  demo: { script: 'apps/standalone/demo.ts' },
  picture: { script: 'setup/picture.mjs', wants: ['browser'] },
  'host-app': { script: 'examples/host-app/main.ts' },
  bench: { script: 'bench/main.ts', wants: ['redis', 'scanner'], needsConsole: true },
  profile: { script: 'bench/profile/main.ts', wants: ['redis', 'scanner'] },
  chaos: { script: 'libs/testing/chaos/main.ts', wants: ['redis', 'scanner'] },
  db: { script: 'node_modules/@mikro-orm/cli/cli.js', env: { MIKRO_ORM_CLI_PREFER_TS: '1' }, usesDatabase: true },
};
