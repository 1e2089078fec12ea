import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Failure, failures, type FailureCode } from '#runtime/failure.ts';
import { documentedSettings } from '#testing/env-example.ts';
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

  it('names settings that exist', () => {
    const names = new Set(documentedSettings().map(({ name }) => name));
    const used = [...readme.matchAll(/\b([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?==|`)/g)].map(([, name]) => name ?? '');
    expect(used.length).toBeGreaterThan(5);
    expect(used.filter((name) => !names.has(name.replace(/^(WEBHOOK_SECRET)_[A-Z]+$/, '$1_<S>')))).toEqual([]);
  });

  it('runs scripts that exist, and links to files that exist', () => {
    const { scripts } = JSON.parse(readFileSync(`${repository}/package.json`, 'utf8')) as {
      scripts: Record<string, string>;
    };
    const run = [...readme.matchAll(/npm (?:run )?([a-z:-]*[a-z])/g)].map(([, script]) => script ?? '');
    expect(run.filter((script) => !(script in scripts))).toEqual([]);
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? '');
    const files = [...readme.matchAll(/\blibs\/[\w./-]+\.ts/g)].map(([path]) => path);
    expect([...links, ...files].filter((path) => !existsSync(`${repository}/${path}`))).toEqual([]);
  });
});
