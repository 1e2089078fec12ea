import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { valueOf, type Environment } from '#runtime/config.ts';
import { readPrivateFile, writePrivateFile } from '#runtime/private-file.ts';
import { UsageError } from './usage-error.ts';

/** Where a secret is kept, for a tool that changes it. */
export interface SecretStore {
  /** For people: a path, or what else there is to change. */
  readonly place: string;
  read(setting: string): string | undefined;
  /** @returns whether it was written; else somebody must do it by hand. */
  write(setting: string, value: string): boolean;
}

const generatedShape = z.looseObject({ settings: z.record(z.string(), z.string()) });

/** An env file that was named, else what npm start has generated, else the environment, which only people can change. */
export function openSecretStore(setting: string, env: Environment, envFile: string | undefined): SecretStore {
  if (envFile !== undefined) return openEnvFile(envFile);
  const path = join(valueOf('DATA_DIR', env) ?? '.data', 'secrets.json');
  const generated = generatedShape.safeParse(readPrivateFile(path));
  const isGiven = valueOf(setting, env) !== undefined && generated.data?.settings[setting] === undefined;
  if (generated.success && !isGiven) return openGenerated(path);
  return { place: `wherever ${setting} is set`, read: (name) => valueOf(name, env), write: () => false };
}

function openGenerated(path: string): SecretStore {
  const read = (): z.infer<typeof generatedShape> => generatedShape.parse(readPrivateFile(path));
  return {
    place: path,
    read: (setting) => read().settings[setting],
    write(setting, value) {
      const content = read();
      writePrivateFile(path, { ...content, settings: { ...content.settings, [setting]: value } });
      return true;
    },
  };
}

const LINE = /^(?:export +)?([A-Z][A-Z0-9_]*)=(.*)$/;

/** Lines of the form NAME=value, as .env.example has them; every other line stays as it is. */
function openEnvFile(path: string): SecretStore {
  if (!existsSync(path)) throw new UsageError(`there is no ${path}`);
  const lines = (): string[] => readFileSync(path, 'utf8').split('\n');
  return {
    place: path,
    read(setting) {
      const values = lines().flatMap((line) => {
        const [, name, value = ''] = LINE.exec(line) ?? [];
        return name === setting ? [value.replace(/^(['"])(.*)\1$/, '$2')] : [];
      });
      return values.at(-1) || undefined;
    },
    write(setting, value) {
      const found = lines();
      const at = found.findLastIndex((line) => LINE.exec(line)?.[1] === setting);
      if (at === -1) throw new UsageError(`${path} does not set ${setting}`);
      found[at] = `${setting}='${value}'`;
      const partial = `${path}.new`;
      writeFileSync(partial, found.join('\n'), { mode: statSync(path).mode & 0o777 });
      renameSync(partial, path);
      return true;
    },
  };
}
