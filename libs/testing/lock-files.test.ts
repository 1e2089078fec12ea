import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { repository } from '#testing/repository.ts';

const versions = z.record(z.string(), z.string()).default({});
const manifest = z.object({ dependencies: versions, devDependencies: versions, overrides: versions });
const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), resolved: z.string().optional(), optionalDependencies: versions }),
  ),
});

function read<T>(schema: z.ZodType<T>, path: string): T {
  return schema.parse(JSON.parse(readFileSync(`${repository}/${path}`, 'utf8')));
}

describe.each(['', 'bench/'])('the packages of ./%s', (directory) => {
  const { dependencies, devDependencies, overrides } = read(manifest, `${directory}package.json`);
  const { packages } = read(lockFile, `${directory}package-lock.json`);

  it('are pinned to one version each', () => {
    const all = Object.entries({ ...dependencies, ...devDependencies, ...overrides });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('come from whatever registry npm is set to', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  it('are in the lock file for every platform, and not only for the one that wrote it', () => {
    const wanted = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies));
    const missing = wanted.filter(
      (name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)),
    );
    expect(missing).toEqual([]);
  });
});

it('measures peers in the versions that ship', () => {
  const ships = read(manifest, 'package.json').dependencies;
  const measured = Object.entries(read(manifest, 'bench/package.json').dependencies);
  expect(measured.filter(([name, version]) => ships[name] !== undefined && ships[name] !== version)).toEqual([]);
});
