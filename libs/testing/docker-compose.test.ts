import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readComposeFile, type ComposeService } from '#testing/compose-file.ts';
import { processes } from '#testing/processes.ts';
import { repository } from '#testing/repository.ts';
import { sourceFiles } from '#testing/source-files.ts';

const { text, file } = readComposeFile();
const services = Object.entries(file.services).map(([name, service]) => ({ name, ...service }));
const ours = services.filter(({ build }) => build !== undefined);
const oneShots = services.filter(({ restart }) => restart === 'no').map(({ name }) => name);
const version = (JSON.parse(readFileSync(`${repository}/package.json`, 'utf8')) as { version: string }).version;

const seconds = (duration = '0s'): number => {
  const [, count, unit] = /^(\d+)(s|m)$/.exec(duration) ?? [];
  return Number(count) * (unit === 'm' ? 60 : 1);
};
const programOf = ({ command }: ComposeService): string | undefined =>
  /^apps\/(\w+)\/main\.ts$/.exec(command?.at(-1) ?? '')?.[1];

describe('docker-compose.yml', () => {
  it('runs every program but the one that runs them without it', () => {
    expect(new Set([...ours.map(programOf), 'standalone'])).toEqual(new Set(Object.keys(processes)));
    for (const service of ours) expect(service.name).toBe(programOf(service));
  });

  it.each(ours)('gives $name every setting it reads, and none that it does not', ({ name, environment }) => {
    expect(Object.keys(environment).toSorted()).toEqual(Object.keys(processes[name]!).toSorted());
  });

  it.each(ours)('gives $name values that it accepts', ({ name, environment }) => {
    for (const [setting, value] of Object.entries(environment)) {
      if (value === null) continue;
      const given = value.replaceAll(/\$\{\w+:\?[^}]*\}/g, '0123456789abcdef'.repeat(2));
      expect(processes[name]?.[setting]?.safeParse(given)).toMatchObject({ success: true });
    }
  });

  it.each(services)('pins the image of $name', ({ image }) => {
    expect(image).toMatch(/^[a-z0-9/-]+:\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$/);
  });

  it('names its own image after the version', () => {
    expect(new Set(ours.map(({ image }) => image))).toEqual(new Set([`portcullis:${version}`]));
  });

  it.each(services)('runs $name as an ordinary user', ({ user }) => {
    expect(user).toMatch(/^(?!root$)[a-z]+$/);
  });

  it.each(services.filter(({ name }) => !oneShots.includes(name)))('looks after the health of $name', (service) => {
    expect(service.healthcheck).toBeDefined();
    expect(service.stop_grace_period).toBeDefined();
  });

  it('asks each program for its readiness on the port that it listens on', () => {
    for (const { healthcheck, environment } of ours.filter(({ restart }) => restart !== 'no')) {
      const [, port] = Object.entries(environment).find(([setting]) => /^([A-Z]+_)?PORT$/.test(setting)) ?? [];
      expect(healthcheck?.test.at(-1)).toContain(`http://127.0.0.1:${port}/readyz`);
    }
  });

  it('gives its programs longer to stop than they take, which is 8 s', () => {
    for (const service of ours) expect(seconds(service.stop_grace_period)).toBeGreaterThanOrEqual(16);
  });

  it('has no default for any secret, and no secret written down', () => {
    const secrets = [...text.matchAll(/\$\{(\w*(?:PASSWORD|SECRET|TOKEN|KEY)\w*)([^}]*)\}/g)];
    expect(secrets.length).toBeGreaterThan(0);
    for (const [, , rest] of secrets) expect(rest).toMatch(/^:\?/);
    for (const { environment } of services) {
      for (const [setting, value] of Object.entries(environment)) {
        const written = /PASSWORD|SECRET|TOKEN|AUTH|URL/.test(setting) ? (value ?? '') : '';
        expect(written.replaceAll(/\$\{\w+:\?[^}]*\}/g, '')).toMatch(/^$|^\w+:\/\/(\w*:@)?\w+:\d+(\/\w+)?$/);
      }
    }
  });

  it('waits for what there is: a healthy store, or a task that has ended well', () => {
    for (const { name, depends_on: needs } of services) {
      for (const [needed, { condition }] of Object.entries(needs)) {
        expect(file.services[needed], `${name} needs ${needed}`).toBeDefined();
        expect(condition).toBe(oneShots.includes(needed) ? 'service_completed_successfully' : 'service_healthy');
      }
    }
  });

  it('starts no program before the migration, which waits for the roles', () => {
    for (const { name, depends_on: needs } of ours) {
      expect(Object.keys(needs)).toContain(name === 'migrate' ? 'roles' : 'migrate');
    }
  });

  it('publishes ingress and board alone, on loopback unless told otherwise', () => {
    for (const { name, ports } of services) {
      expect(ports.length > 0).toBe(name === 'ingress' || name === 'board');
      for (const port of ports) expect(port).toMatch(/^(\$\{\w+:-)?127\.0\.0\.1:/);
    }
  });

  it('keeps the stores on a network that leads nowhere', () => {
    for (const name of ['postgres', 'valkey']) expect(file.services[name]?.networks).toEqual(['back']);
    expect(file.networks['back']).toEqual({ internal: true });
  });

  it('declares the networks and volumes that it uses', () => {
    const networks = services.flatMap((service) => service.networks);
    const volumes = services.flatMap((service) => service.volumes).map((volume) => volume.split(':', 1)[0]);
    expect(new Set(networks)).toEqual(new Set(Object.keys(file.networks)));
    expect(new Set(volumes)).toEqual(new Set(Object.keys(file.volumes)));
  });

  it('lets workers be multiplied', () => {
    expect(text).not.toContain('container_name');
    expect(file.services['worker']?.ports).toEqual([]);
    expect(file.services['worker']?.volumes).toEqual(file.services['ingress']?.volumes);
  });

  it('hands the secrets of webhook sources to the ingress only', () => {
    for (const { name, env_file: files } of services) {
      const file = { ingress: '.env.sources', worker: '.env.retention' }[name];
      expect(files).toEqual(file === undefined ? undefined : [{ path: file, required: false }]);
    }
  });

  it('tells Valkey to lose and to evict nothing', () => {
    const configuration = file.services['valkey']?.command?.[0]?.split('\n');
    for (const line of [
      'requirepass $$VALKEY_PASSWORD',
      'appendonly yes',
      'maxmemory 256mb',
      'maxmemory-policy noeviction',
    ]) {
      expect(configuration).toContain(line);
    }
  });
});

describe('the inline Dockerfile', () => {
  const dockerfile = ours[0]?.build?.dockerfile_inline ?? '';
  const lines = dockerfile.replaceAll('\\\n', ' ').split('\n');
  const having = (instruction: string): string[] =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));

  it('is the same for every program', () => {
    expect(new Set(ours.map(({ build }) => build?.dockerfile_inline))).toEqual(new Set([dockerfile]));
  });

  it('builds on the Node of package.json, pinned', () => {
    expect(having('FROM').length).toBeGreaterThan(0);
    for (const base of having('FROM'))
      expect(base).toMatch(/^node:24\.(1[2-9]|[2-9]\d)\.\d+-[a-z]+-slim( AS [a-z]+)?$/);
  });

  it('installs what the lock file names and what ships, running no script, and builds the console', () => {
    const [install, ...others] = having('RUN');
    expect(install).toMatch(/^npm ci --omit=dev --ignore-scripts\b/);
    expect(others).toEqual(['npm ci --ignore-scripts', 'node_modules/.bin/vite build apps/console']);
  });

  it.each([
    { what: 'programs', last: true, sources: sourceFiles('{apps,libs}/**/*.ts', 'mikro-orm.config.ts') },
    { what: 'the console', last: false, sources: sourceFiles('apps/console/**/*.{ts,tsx}') },
  ])('has every file that $what import', ({ last, sources }) => {
    const stages = dockerfile.split(/^(?=FROM )/m);
    const stage = stages.find((each) => (last ? each === stages.at(-1) : / AS console$/m.test(each))) ?? '';
    const copied = [...stage.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) => paths.split(' '));
    const imported = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/ from '(#|\.{1,2}\/)(.+)';$/gm)].map(([, way = '', rest = '']) =>
        way === '#' ? join('libs', rest) : join(dirname(path), way, rest),
      ),
    );
    expect(imported.length).toBeGreaterThan(20);
    const isThere = (file: string): boolean => copied.some((path) => file === path || file.startsWith(`${path}/`));
    expect([...new Set(imported.filter((file) => !isThere(file)))]).toEqual([]);
  });

  it('copies by name, so that no .env or .git can slip in', () => {
    for (const copy of having('COPY')) expect(copy).not.toMatch(/(^|\s)\.\/?\s/);
    expect(having('ADD')).toEqual([]);
  });

  it('ends as an ordinary user', () => {
    expect(having('USER').at(-1)).toBe('node');
    expect(lines.filter((line) => line !== '').at(-1)).toBe('USER node');
  });

  it('leaves everything but the source out of its context', () => {
    const ignored = readFileSync(`${repository}/.dockerignore`, 'utf8').split('\n');
    expect(ignored[0]).toBe('*');
    expect(ignored.filter((line) => line.startsWith('!')).toSorted()).toEqual(
      [
        '!.npmrc',
        '!apps',
        '!libs',
        '!mikro-orm.config.ts',
        '!package-lock.json',
        '!package.json',
        '!setup/lock.mjs',
        '!tsconfig.json',
      ].toSorted(),
    );
  });
});
