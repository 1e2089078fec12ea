import { defineConfig } from 'vite';

/** What so many pages and dialogs need is loaded by all. */
const PAGES_THAT_SHARE = 5;

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  cacheDir: '../../.cache/vite',
  // Replaced by the ingress in every answer: apps/ingress/console.ts.
  html: { cspNonce: '__NONCE__' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // An image inside a style sheet would need its own source in the CSP.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      output: {
        // Two files instead of two dozen small ones, which compress badly and bring headers of their own.
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: /node_modules\/(?:react|react-dom|scheduler|clsx|get-nonce|@tanstack)\/|@mantine\/core\/esm\/core\//,
            },
            // What is needed before anybody is signed in, with all that it imports.
            { name: 'start', test: /console\/src\/app\.tsx$/ },
            { name: 'common', minShareCount: PAGES_THAT_SHARE },
          ],
        },
      },
      // Mantine marks its components for server rendering, which there is none of here.
      checks: { moduleLevelDirective: false },
      onLog(level, log, report) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
});
