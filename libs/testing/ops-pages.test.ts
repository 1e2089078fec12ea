import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ARGON2 } from '#access/passwords.ts';
import { auditPolicySettings } from '#audit/audit-policy.ts';
import { catalogue } from '#catalogue.ts';
import { migrations } from '#database/migrations/list.ts';
import { workerSettings } from '#queue/paced-backend.ts';
import { sweeps } from '#queue/sweeps.ts';
import { readComposeFile } from '#testing/compose-file.ts';
import { repository } from '#testing/repository.ts';
import { retentionSettings } from '#webhooks/retention.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const pages = globSync('docs/ops/*.md', { cwd: repository });
/** The cells of every table row of a page. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => /^\| (?!---)/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
/** The one figure in a source file that the pattern's group names. */
function figureIn(path: string, pattern: RegExp): number {
  const [, figure] = pattern.exec(read(path)) ?? [];
  return Number(figure?.replaceAll('_', ''));
}

describe('docs/ops/retention.md', () => {
  const page = read('docs/ops/retention.md');
  const rows = rowsOf(page);
  const sessionDays = figureIn('libs/access/sweep-access.ts', /KEPT_DAYS = (\d+)/);
  const webhookDays = retentionSettings.WEBHOOK_RETENTION_DAYS.parse(undefined);
  const { age, count } = workerSettings.removeOnFail;

  it.each([
    ['receipts that are done or dead', `${webhookDays} days since they came`],
    ['events that are done or dead, with their effects', `${webhookDays} days since they were made`],
    ['the last status of a message', `${webhookDays} days since it changed`],
    ['sessions that ended or expired', `${sessionDays} days`],
    ['tokens that ended or expired', `${sessionDays} days`],
    ['links that expired (a used one goes at once)', `${sessionDays} days`],
    ['keys that verify no more', `${sessionDays} days`],
    [
      'quarantined or scan-failed: given up with its file, as `expired`',
      `${figureIn('libs/uploads/sweep-uploads.ts', /QUARANTINE_DAYS = (\d+)/)} days`,
    ],
    [
      'deleted uploads (their file goes at once)',
      `${figureIn('libs/uploads/sweep-uploads.ts', /DELETED_DAYS = (\d+)/)} days`,
    ],
    ['alerts that are over', `${figureIn('libs/audit/alert.ts', /cleared_at < now\(\) - interval '(\d+) days'/)} days`],
    ['processes that are gone', `${figureIn('libs/database/heartbeat.ts', /KEPT_HOURS = (\d+)/)} hours`],
    [
      'files without a row, which a crash left behind',
      `${figureIn('libs/uploads/sweep-uploads.ts', /ORPHAN_AGE_MS = (\d+) \* 3_600_000/)} hours`,
    ],
    ['jobs that failed for good', `${age / 86_400} days, at most ${count} of each queue`],
    [
      'logs of `npm start`',
      `${figureIn('apps/standalone/bounded-log.ts', /maxBytes = (\d+) \* 1024 \* 1024/)} MiB and the 20 MiB before, for each process`,
    ],
  ])('says of %s how long they are kept', (what, kept) => {
    const found = rows.filter((cells) => cells.includes(what));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(kept);
  });

  it('says what the settings allow, and what they are by default', () => {
    const { WEBHOOK_RETENTION_DAYS } = retentionSettings;
    const allowed = [7, 8, 3_650, 3_651].map((days) => WEBHOOK_RETENTION_DAYS.safeParse(String(days)).success);
    expect(allowed).toEqual([false, true, true, false]);
    expect(page).toContain('(8 to 3650)');
    expect(auditPolicySettings.AUDIT_RETENTION_MONTHS.parse(undefined)).toBe(0);
    expect(page).toContain('`AUDIT_RETENTION_MONTHS` (0)');
  });

  it('leaves out no table', () => {
    const made = migrations.flatMap(({ name }) => {
      const [path = ''] = globSync(`libs/database/migrations/${name.toLowerCase().slice(0, 5)}-*.ts`, {
        cwd: repository,
      });
      return [...read(path).matchAll(/create table (?:if not exists )?(\w+)/g)].map(([, table = '']) => table);
    });
    expect(made.length).toBeGreaterThan(20);
    const named = new Set(rows.flatMap(([tables = '']) => [...tables.matchAll(/`(\w+)`/g)].map(([, table]) => table)));
    expect(made.filter((table) => !named.has(table))).toEqual([]);
  });

  it('names sweeps that there are', () => {
    const known = new Set(sweeps.schedules?.map(({ id }) => id));
    const named = rows.flatMap((cells) => (cells.length === 5 ? [/^`(\w+)`$/.exec(cells[3] ?? '')?.[1]] : []));
    const wrong = named.filter((name) => name !== undefined && !known.has(name));
    expect(new Set(named).size).toBeGreaterThan(4);
    expect(wrong).toEqual([]);
  });
});

describe('docs/ops/sizing.md', () => {
  const page = read('docs/ops/sizing.md');
  const rows = rowsOf(page);

  it('counts the connections that each process opens', () => {
    const constant = (path: string, name: string): number => figureIn(path, new RegExp(`${name}(?: =|:) (\\d+)`));
    const listeners = globSync('apps/ingress/*.ts', { cwd: repository }).filter((path) =>
      read(path).includes('openListener('),
    );
    const ingress =
      constant('apps/ingress/open-connections.ts', "name: 'ingress', max") +
      constant('apps/ingress/open-connections.ts', 'JOURNAL_CONNECTIONS') +
      listeners.length;
    const shared = constant('libs/queue/postgres-connection.ts', 'SHARED_CONNECTIONS');
    const expected = [
      ['ingress', ingress, shared],
      ['worker', constant('apps/worker/main.ts', 'DATABASE_CONNECTIONS'), 2 * shared + Object.keys(catalogue).length],
      ['board', constant('apps/board/main.ts', 'DATABASE_CONNECTIONS'), shared],
    ];
    for (const row of expected) expect(rows).toContainEqual(row.map(String));
  });

  it('has the limits of docker-compose.yml', () => {
    const { services } = readComposeFile().file;
    const limit = (name: string): string | undefined => services[name]?.mem_limit;
    const limits = ['ingress', 'worker', 'board', 'postgres', 'valkey', 'clamav'].map(limit);
    expect(limits).toEqual(['512m', '512m', '512m', '1g', '768m', '4g']);
    for (const cells of [
      ['ingress', '512 MiB'],
      ['worker', '512 MiB'],
      ['board', '512 MiB'],
      ['PostgreSQL', '1 GiB'],
      ['Valkey', '768 MiB'],
      ['clamd', '4 GiB'],
    ]) {
      expect(rows.map((row) => row.slice(0, 2))).toContainEqual(cells);
    }
  });

  it('knows what a hash needs', () => {
    expect(page).toContain(`takes ${ARGON2.memoryCost / 1_024} MiB`);
    expect(figureIn('libs/access/imported-hash.ts', /ARGON2_MAX_MEMORY_KIB = ([\d_]+)/)).toBe(128 * 1_024);
    expect(page).toContain('up to 128 MiB');
  });
});

describe.each(pages)('%s', (page) => {
  it('is in the index', () => {
    const index = read('docs/ops/README.md');
    expect(page === 'docs/ops/README.md' || index.includes(`](${page.replace('docs/ops/', '')})`)).toBe(true);
  });
});
