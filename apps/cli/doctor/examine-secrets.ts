import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { valueOf, weaknessOf, type Environment } from '#runtime/config.ts';
import { unknown, well, worthALook, wrong, type Finding } from './finding.ts';

const MAX_AGE_DAYS = 365;
const DAY_MS = 86_400_000;

const SECRET_NAME = /(?:_SECRET|_PASSWORD|_TOKEN|_PEPPER)(?:_[A-Z0-9_]+)?$/;
const generatedShape = z.looseObject({ settings: z.record(z.string(), z.string()) });

/** Looks at every secret that can be found from here, and shows none. */
export function examineSecrets(env: Environment): Finding[] {
  const dataDir = valueOf('DATA_DIR', env) ?? '.data';
  const path = join(dataDir, 'secrets.json');
  const secrets = new Map([...generatedSecrets(path), ...givenSecrets(env)]);
  if (secrets.size === 0) return [unknown('secrets: none is set here')];
  const findings = [...weak(secrets), ...equal(secrets), ...unfinished(secrets), ...age(path), ...modes(dataDir)];
  const isWell = findings.every(({ state }) => state === 'well');
  return isWell ? [well(`${secrets.size} secrets are strong and differ`), ...findings] : findings;
}

function generatedSecrets(path: string): [string, string][] {
  try {
    return Object.entries(generatedShape.parse(JSON.parse(readFileSync(path, 'utf8'))).settings);
  } catch {
    return [];
  }
}

function givenSecrets(env: Environment): [string, string][] {
  return Object.keys(env)
    .map((name) => name.replace(/_FILE$/, ''))
    .filter((name) => SECRET_NAME.test(name) && name !== 'ADMIN_PASSWORD')
    .flatMap((name) => {
      const value = valueOf(name, env);
      return value === undefined ? [] : [[name, value] as [string, string]];
    });
}

/** The secrets in a list, without labels. */
function partsOf(value: string): string[] {
  return value.split(',').map((part) => part.replace(/^[a-z0-9-]{1,20}:/, ''));
}

function weak(secrets: ReadonlyMap<string, string>): Finding[] {
  return [...secrets].flatMap(([name, value]) =>
    partsOf(value).flatMap((part) => {
      const weakness = weaknessOf(part);
      return weakness === undefined
        ? []
        : [wrong(`${name} is ${weakness}`, 'give it a value of `openssl rand -hex 32`')];
    }),
  );
}

function equal(secrets: ReadonlyMap<string, string>): Finding[] {
  const seen = new Map<string, string>();
  const findings: Finding[] = [];
  for (const [name, value] of secrets) {
    for (const part of partsOf(value)) {
      const other = seen.get(part);
      if (other === undefined) seen.set(part, name);
      else findings.push(wrong(`${name} has the same value as ${other}`, 'give each a value of its own'));
    }
  }
  return findings;
}

function unfinished(secrets: ReadonlyMap<string, string>): Finding[] {
  return [...secrets].flatMap(([name, value]) => {
    const count = value.split(',').length;
    const isList = /^(?:SESSION_SECRET|CSRF_SECRET|WEBHOOK_SECRET_|WHATSAPP_APP_SECRET|WOOALERTS_)/.test(name);
    return isList && count > 1
      ? [worthALook(`${name} names ${count} secrets: a rotation is not over`, `${endOfRotation(name)} ends it`)]
      : [];
  });
}

function endOfRotation(name: string): string {
  if (name === 'SESSION_SECRET' || name === 'CSRF_SECRET') {
    return `npm run rotate -- ${name.toLowerCase().replace('_', '-')} --drop`;
  }
  const source = /^WEBHOOK_SECRET_(.*)$/.exec(name)?.[1] ?? name.split('_', 1)[0] ?? '';
  return `npm run rotate -- webhook ${source.toLowerCase().replaceAll('_', '-')} --drop`;
}

function age(path: string): Finding[] {
  if (!existsSync(path)) return [];
  const days = Math.floor((Date.now() - statSync(path).mtimeMs) / DAY_MS);
  return days > MAX_AGE_DAYS
    ? [worthALook(`the secrets in ${path} are ${days} days old`, 'npm run rotate -- session-secret, and csrf-secret')]
    : [];
}

function modes(dataDir: string): Finding[] {
  return ['secrets.json', 'admin.json', 'running.json'].flatMap((name) => {
    const path = join(dataDir, name);
    if (!existsSync(path) || (statSync(path).mode & 0o077) === 0) return [];
    return [wrong(`${path} can be read by others`, `chmod 600 ${path}`)];
  });
}
