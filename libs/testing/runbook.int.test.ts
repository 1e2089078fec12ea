import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { repository } from '#testing/repository.ts';

it('every statement of the runbook runs as the application', async () => {
  const database = await openTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const runbook = readFileSync(`${repository}/docs/ops/runbook.md`, 'utf8');
  const statements = [...runbook.matchAll(/```sql\n([^`]+)```/g)]
    .flatMap(([, block]) => (block ?? '').split(/;\n/))
    .filter((text) => text.trim() !== '');
  expect(statements.length).toBeGreaterThan(5);
  for (const statement of statements) expect((await database.pool.query(statement)).rows).toBeInstanceOf(Array);
});
