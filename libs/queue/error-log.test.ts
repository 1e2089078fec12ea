import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { openErrorLog } from '#queue/error-log.ts';
import { openLog } from '#runtime/log.ts';

it('logs equal errors once an interval, with the number of those left out', () => {
  const lines: { err: { message: string }; leftOut: number }[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()));
      done();
    },
  });
  let nowMs = 0;
  const report = openErrorLog(openLog({ name: 'test', destination }), 'the queue', {
    everyMs: 1_000,
    now: () => nowMs,
  });
  for (let attempt = 0; attempt < 50; attempt += 1) report(new Error(`connect ECONNREFUSED, attempt ${attempt}`));
  report(new Error('out of memory'));
  nowMs = 1_000;
  report(new Error('connect ECONNREFUSED, attempt 51'));
  expect(lines.map(({ err, leftOut }) => [err.message, leftOut])).toEqual([
    ['connect ECONNREFUSED, attempt 0', 0],
    ['out of memory', 0],
    ['connect ECONNREFUSED, attempt 51', 49],
  ]);
});
