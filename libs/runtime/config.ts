import { readFileSync } from 'node:fs';
import { z } from 'zod';

export type Environment = Record<string, string | undefined>;
export type Settings = Record<string, z.ZodType>;

/** Every fault of a configuration at once; the message names variables and never shows a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`faulty configuration:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

/** The process's own environment: the only place outside setup/ and mikro-orm.config.ts that reads it. */
export function environment(): Environment {
  return process.env;
}

/**
 * Reads `settings` from the environment. `NAME_FILE` reads one setting from a file; an empty value counts as unset.
 * @throws ConfigError listing every fault.
 */
export function readConfig<S extends Settings>(settings: S, env: Environment = environment()): z.infer<z.ZodObject<S>> {
  const faults: string[] = [];
  const values: Environment = {};
  for (const name of Object.keys(settings)) values[name] = valueOf(name, env, faults);
  const result = z.object(settings).safeParse(values);
  if (!result.success) {
    const reported = new Set(faults.map((fault) => fault.split(':', 1)[0]));
    for (const issue of result.error.issues) {
      const name = String(issue.path[0]);
      if (!reported.has(name)) faults.push(`${name}: ${messageOf(issue, values[name])}`);
    }
  }
  faults.push(...equalSecrets(settings, values));
  if (faults.length > 0 || !result.success) throw new ConfigError(faults);
  return result.data;
}

/**
 * Runs both readers and throws the faults of both.
 * @throws ConfigError
 */
export function readTogether<A, B>(first: () => A, second: () => B): [A, B] {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const results = [attempt(first), attempt(second)];
  if (faults.length > 0) throw new ConfigError(faults);
  return results as [A, B];
}

/** The raw value of one setting, `NAME_FILE` included; for settings whose names depend on other settings. */
export function valueOf(name: string, env: Environment, faults: string[] = []): string | undefined {
  const direct = env[name] === '' ? undefined : env[name];
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return direct;
  if (direct !== undefined) {
    faults.push(`${name}: given twice, by ${name} and by ${name}_FILE`);
    return direct;
  }
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined;
  } catch {
    faults.push(`${name}: the file that ${name}_FILE names can't be read`);
    return undefined;
  }
}

function messageOf(issue: z.core.$ZodIssue, value: string | undefined): string {
  return value === undefined && issue.code === 'invalid_type' ? 'required' : issue.message;
}

function equalSecrets(settings: Settings, values: Environment): string[] {
  const seen = new Map<string, string>();
  const faults: string[] = [];
  for (const [name, schema] of Object.entries(settings)) {
    const value = values[name];
    if (value === undefined || !isSecret(schema)) continue;
    const other = seen.get(value);
    if (other === undefined) seen.set(value, name);
    else faults.push(`${name}: has the same value as ${other}; each secret needs a value of its own`);
  }
  return faults;
}

function isSecret(schema: z.ZodType): boolean {
  if (schema.meta()?.['secret'] === true) return true;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? isSecret(schema.unwrap() as z.ZodType)
    : false;
}

const WEAK = /^(?:change.?me|default|example|insecure|pass(?:word)?|portcullis|qwerty|secret|test)|^(.{1,8})\1+$/i;
const MIN_DISTINCT_CHARACTERS = 6;

/** Why a secret must be refused, or undefined. */
export function weaknessOf(secret: string, minBytes = 16): string | undefined {
  if (Buffer.byteLength(secret) < minBytes) return `too short: at least ${minBytes} bytes`;
  if (WEAK.test(secret)) return 'too weak: a well-known or repeating value';
  if (new Set(secret).size < MIN_DISTINCT_CHARACTERS) return 'too weak: too few different characters';
  return undefined;
}

/** A setting that holds one secret of at least `minBytes` bytes. */
export function secret(minBytes = 16): z.ZodString {
  return z
    .string()
    .superRefine((value, context) => {
      const weakness = weaknessOf(value, minBytes);
      if (weakness !== undefined) context.addIssue({ code: 'custom', message: weakness });
    })
    .meta({ secret: true });
}

/** A setting of the form `new,old`: the first makes, all verify. */
export function secretList(minBytes = 16): z.ZodType<readonly [string, ...string[]]> {
  return z
    .string()
    .transform((value) => value.split(',') as [string, ...string[]])
    .superRefine((values, context) => {
      for (const value of values) {
        const weakness = weaknessOf(value, minBytes);
        if (weakness !== undefined) context.addIssue({ code: 'custom', message: weakness });
      }
      if (new Set(values).size < values.length) context.addIssue({ code: 'custom', message: 'names one secret twice' });
    })
    .meta({ secret: true });
}

/** A whole number given as text, with bounds. */
export function integer(min: number, max: number): z.ZodType<number> {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
}

export const port = (): z.ZodType<number> => integer(0, 65_535);

/** A URL with one of the given schemes (named without colon). */
export function url(...schemes: string[]): z.ZodType<string> {
  const expected = `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z.string().refine((value) => {
    const scheme = URL.canParse(value) ? new URL(value).protocol.slice(0, -1) : '';
    return schemes.includes(scheme);
  }, expected);
}

/** `yes` or `no`. */
export function yesNo(fallback: boolean): z.ZodType<boolean, string | undefined> {
  return z
    .enum(['yes', 'no', 'true', 'false'], 'must be yes or no')
    .default(fallback ? 'yes' : 'no')
    .transform((value) => value === 'yes' || value === 'true');
}
