import { defineConfig } from 'vite';

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
        // One file instead of a dozen small ones, which compress badly.
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: /node_modules\/(?:react|react-dom|scheduler|clsx|@tanstack)\/|@mantine\/core\/esm\/core\//,
            },
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
