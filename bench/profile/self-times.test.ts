import { expect, it } from 'vitest';
import { selfTimesOf, type CpuProfile } from './self-times.ts';

const node = (id: number, functionName: string, url = '', lineNumber = 0): CpuProfile['nodes'][number] => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

/** Two milliseconds: one idle, the rest in a function of ours, one of Node, one of a package and in garbage collection. */
const profile: CpuProfile = {
  nodes: [
    node(1, '(root)'),
    node(2, '(idle)'),
    node(3, '(garbage collector)'),
    node(4, 'verify', 'file:///here/libs/webhooks/verify.ts'),
    node(5, '', 'file:///here/node_modules/@scope/name/deep/index.js', 6),
    node(6, 'writeHead', 'node:_http_server'),
    node(7, 'verify', 'file:///here/libs/webhooks/verify.ts'),
  ],
  samples: [2, 3, 4, 5, 6, 7],
  timeDeltas: [500, 1_000, 100, 400, 300, 150, 50],
};

it('counts what a sample lasted for the function that it met, and what was idle for none', () => {
  const { busyMicros, garbageMicros, byFunction } = selfTimesOf(profile, '/here');
  expect({ busyMicros, garbageMicros }).toEqual({ busyMicros: 1_000, garbageMicros: 100 });
  expect(byFunction).toEqual([
    { name: 'verify libs/webhooks/verify.ts', micros: 450 },
    { name: '(anonymous):7 node_modules/@scope/name/deep/index.js', micros: 300 },
    { name: 'writeHead node:_http_server', micros: 150 },
    { name: '(garbage collector)', micros: 100 },
  ]);
});

it('sums files into packages, with the scope of scoped ones', () => {
  expect(selfTimesOf(profile, '/here').byPackage.map(({ name }) => name)).toEqual([
    'libs/webhooks',
    '@scope/name',
    'node',
    '(garbage collector)',
  ]);
});
