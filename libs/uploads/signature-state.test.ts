import { expect, it } from 'vitest';
import { signatureStateOf } from '#uploads/signature-state.ts';

it.each([
  [
    'ClamAV 1.4.6/27450/Tue Nov 24 08:05:31 2026',
    { kind: 'official', version: '1.4.6/27450', madeAt: new Date('2026-11-24T08:05:31Z') },
  ],
  ['ClamAV 1.5.4/27450/unreadable', { kind: 'official', version: '1.5.4/27450', madeAt: undefined }],
  ['ClamAV 1.4.6', { kind: 'test-only', version: 'ClamAV 1.4.6', madeAt: undefined }],
])('reads %s', (answer, state) => {
  expect(signatureStateOf(answer)).toEqual(state);
});
