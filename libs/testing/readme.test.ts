import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Failure, failures, type FailureCode } from '#runtime/failure.ts';
import { repository } from '#testing/repository.ts';
import { problemOf } from '../../apps/ingress/problem.ts';

const readme = readFileSync(`${repository}/README.md`, 'utf8');
const codes = Object.keys(failures) as FailureCode[];

function rowOf(code: FailureCode): string {
  const { status, body } = problemOf(new Failure(code), 'request-id');
  const { title } = JSON.parse(body.toString()) as { title: string };
  return `| \`${code}\` | ${status} | ${failures[code]} | ${title} |`;
}

describe('README.md', () => {
  it('has a row for every failure code, and for no other', () => {
    const rows = readme.split('\n').filter((line) => /^\| `[a-z-]+` \| \d{3} \|/.test(line));
    expect(rows).toEqual(codes.map(rowOf));
  });
});
