import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Each has a PostgreSQL server of its own in the integration tests, so there are not as many as a large machine has cores. */
const maxWorkers = Math.min(4, availableParallelism());

export default defineConfig({
  cacheDir: '.cache/vitest',
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          maxWorkers,
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
          maxWorkers,
        },
      },
    ],
  },
});
