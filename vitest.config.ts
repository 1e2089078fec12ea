import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '.cache/vitest',
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{apps,libs}/**/*.test.ts', 'bench/{all,charts,profile,rows,soak}/*.test.ts', 'setup/*.test.mjs'],
          exclude: ['**/*.int.test.ts', 'apps/console/**'],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{apps,libs}/**/*.int.test.ts'],
          globalSetup: 'libs/testing/global-setup.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // They share one PostgreSQL server: the sealer waits for every transaction that is open on it, those of other tests too.
          fileParallelism: false,
        },
      },
    ],
  },
});
