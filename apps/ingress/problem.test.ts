import { expect, it } from 'vitest';
import { Failure, failures, type FailureCode } from '#runtime/failure.ts';
import { bugAnswer, problemOf } from './problem.ts';

const codes = Object.keys(failures) as FailureCode[];

it.each(codes)('turns %s into problem+json that repeats its code and status', (code) => {
  const { status, headers, body } = problemOf(new Failure(code), 'request-1');
  expect(headers['content-type']).toBe('application/problem+json');
  expect(headers['content-length']).toBe(String(body.length));
  expect(JSON.parse(body.toString())).toMatchObject({ code, status, requestId: 'request-1' });
});

it('gives every 503 an integer Retry-After between 5 and 15 seconds', () => {
  const answers = codes.map((code) => problemOf(new Failure(code), 'r')).filter(({ status }) => status === 503);
  expect(answers.length).toBeGreaterThan(0);
  for (const { headers } of answers) expect(headers['retry-after']).toMatch(/^(?:[5-9]|1[0-5])$/);
});

it('passes on the wait and the headers that a failure carries', () => {
  const failure = new Failure('method-unsupported', { retryAfterSeconds: 1.2, headers: { allow: 'POST' } });
  expect(problemOf(failure, 'r').headers).toMatchObject({ 'retry-after': '2', allow: 'POST' });
});

it('shows the detail and never the cause', () => {
  const text = problemOf(
    new Failure('body-invalid', { detail: 'email: required', cause: new Error('canary') }),
    'r',
  ).body.toString();
  expect(text).toContain('email: required');
  expect(text).not.toContain('canary');
});

it('shows of a bug only an id', () => {
  const { status, body } = bugAnswer('request-1');
  expect(status).toBe(500);
  expect(Object.keys(JSON.parse(body.toString()) as object).toSorted()).toEqual([
    'code',
    'requestId',
    'status',
    'title',
    'type',
  ]);
});
