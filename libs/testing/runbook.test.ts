import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { alertRules } from '#audit/alert-rules.ts';
import { repository } from '#testing/repository.ts';

interface Rules {
  groups: { rules: { alert: string }[] }[];
}

const rules = parse(readFileSync(`${repository}/docs/ops/prometheus-rules.yml`, 'utf8')) as Rules;
const alerts = [...rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert)), ...Object.keys(alertRules)];
const runbook = readFileSync(`${repository}/docs/ops/runbook.md`, 'utf8');
const sections = runbook.split(/^## /m).slice(1);
const namesOf = (section: string): string[] =>
  [...(section.split('\n')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');

describe('the runbook', () => {
  it('has a section for every alert, and for nothing else', () => {
    expect(sections.flatMap(namesOf).toSorted()).toEqual(alerts.toSorted());
  });

  it.each(sections.map((section) => [namesOf(section)[0], section]))(
    'says of %s what it means and what to do',
    (_, section) => {
      for (const part of ['**Means:**', '**Look at:**', '**Do:**']) expect(section).toContain(part);
    },
  );
});
