import { expect, it } from 'vitest';
import { correlate, requestIdOf } from '#runtime/correlation.ts';
import { openLog } from '#runtime/log.ts';

function capture(write: (log: ReturnType<typeof openLog>) => void): string {
  let text = '';
  write(openLog({ name: 'test', level: 'trace', destination: { write: (line: string) => void (text += line) } }));
  return text;
}

it.each([
  [{ authorization: 'canary' }],
  [{ headers: { cookie: 'canary' } }],
  [{ headers: { 'set-cookie': 'canary' } }],
  [{ request: { headers: { authorization: 'canary' } } }],
  [{ user: { password: 'canary' } }],
  [{ refreshToken: 'canary' }],
  [{ receipt: { body: 'canary' } }],
])('hides %j', (fields) => {
  const line = capture((log) => log.info(fields, 'x'));
  expect(line).not.toContain('canary');
  expect(line).toContain('[redacted]');
});

it('shows of an error its name, message, code and cause, and none of its other properties', () => {
  const error = Object.assign(new Error('outer', { cause: new Error('inner') }), {
    code: '23505',
    detail: 'canary',
    where: 'canary',
  });
  const line = capture((log) => log.error({ err: error }, 'x'));
  expect(line).not.toContain('canary');
  expect(JSON.parse(line)).toMatchObject({
    err: { type: 'Error', message: 'outer', code: '23505', cause: { message: 'inner' } },
  });
});

it('carries the correlation id through asynchronous work', async () => {
  const lines: string[] = [];
  const log = openLog({ name: 'test', destination: { write: (line: string) => void lines.push(line) } });
  await correlate('request-1', async () => {
    await Promise.resolve();
    log.info('inside');
  });
  log.info('outside');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ correlationId: 'request-1' });
  expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('correlationId');
});

it.each([
  ['abcdefgh', true],
  ['A-Za-z0-9_-', true],
  ['short', false],
  ['x'.repeat(65), false],
  ['has spaces', false],
  ['line\nfeed', false],
  ['<script>alert', false],
])('takes the request id %j from a caller: %s', (header, taken) => {
  expect(requestIdOf(header) === header).toBe(taken);
});
