import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { weaknessOf } from '#runtime/config.ts';
import { generatedSettings } from './generated-settings.ts';

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-secrets-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'data');
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

it('makes strong secrets, all different, and no two runs the same', () => {
  const [one, two] = [generatedSettings(freshDirectory()), generatedSettings(freshDirectory())];
  const values = [one, two].flatMap((made) => [
    ...Object.values(made.for('ingress', {})),
    ...Object.values(made.for('board', {})),
    ...Object.values(made.database),
    made.for('migrate', {})['ADMIN_PASSWORD']!,
  ]);
  expect(values.length).toBe(20);
  expect(new Set(values).size).toBe(values.length);
  expect(values.map((value) => weaknessOf(value, 24))).toEqual(values.map(() => undefined));
});

it('keeps them where only their owner can read them', () => {
  const directory = freshDirectory();
  generatedSettings(directory);
  expect(readdirSync(directory).toSorted()).toEqual(['admin.json', 'secrets.json']);
  expect(modeOf(directory)).toBe('700');
  expect(modeOf(join(directory, 'secrets.json'))).toBe('600');
  expect(modeOf(join(directory, 'admin.json'))).toBe('600');
});

it('finds them again, and takes away what others were allowed meanwhile', () => {
  const directory = freshDirectory();
  const first = generatedSettings(directory);
  chmodSync(join(directory, 'secrets.json'), 0o644);
  const second = generatedSettings(directory);
  expect(second.for('ingress', {})).toEqual(first.for('ingress', {}));
  expect(second.database).toEqual(first.database);
  expect([first.fresh, second.fresh]).toEqual([true, false]);
  expect(modeOf(join(directory, 'secrets.json'))).toBe('600');
});

it('leaves out what the environment gives, as a value or as a file', () => {
  const made = generatedSettings(freshDirectory());
  const env = { SESSION_SECRET: 'given', CSRF_SECRET_FILE: '/run/secrets/csrf', WHATSAPP_APP_SECRET: '' };
  expect(Object.keys(made.for('ingress', env)).toSorted()).toEqual([
    'WHATSAPP_APP_SECRET',
    'WHATSAPP_VERIFY_TOKEN',
    'WOOALERTS_WEBHOOK_SECRET',
  ]);
});

it('hands each process only what it needs', () => {
  const made = generatedSettings(freshDirectory());
  expect(Object.keys(made.for('board', {}))).toEqual(['BOARD_PASSWORD']);
  expect(Object.keys(made.for('migrate', {}))).toEqual(['ADMIN_EMAIL', 'ADMIN_PASSWORD']);
  expect(Object.keys(made.for('ingress', {}))).not.toContain('BOARD_PASSWORD');
});

it('adds a secret that an earlier release did not make, and keeps the others', () => {
  const directory = freshDirectory();
  const first = generatedSettings(directory).for('ingress', {});
  const path = join(directory, 'secrets.json');
  const kept = JSON.parse(readFileSync(path, 'utf8')) as { settings: Record<string, string> };
  delete kept.settings['CSRF_SECRET'];
  writeFileSync(path, JSON.stringify(kept));
  const second = generatedSettings(directory).for('ingress', {});
  expect({ ...second, CSRF_SECRET: '' }).toEqual({ ...first, CSRF_SECRET: '' });
  expect(weaknessOf(second['CSRF_SECRET']!)).toBeUndefined();
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ settings: second });
});

it('replaces nothing that it can not read', () => {
  const directory = freshDirectory();
  generatedSettings(directory);
  const path = join(directory, 'secrets.json');
  writeFileSync(path, '{"settings":');
  expect(() => generatedSettings(directory)).toThrow('is not JSON');
  expect(readFileSync(path, 'utf8')).toBe('{"settings":');
});
