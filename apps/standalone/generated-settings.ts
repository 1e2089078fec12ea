import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EmbeddedPasswords } from '#database/embedded-roles.ts';
import type { Environment } from '#runtime/config.ts';
import { readPrivateFile, writePrivateFile } from '#runtime/private-file.ts';

/** What the first run makes up: the setting, and which processes get it. */
const generated = {
  SESSION_SECRET: ['ingress', 'worker'],
  CSRF_SECRET: ['ingress', 'worker'],
  WHATSAPP_APP_SECRET: ['ingress', 'worker'],
  WHATSAPP_VERIFY_TOKEN: ['ingress', 'worker'],
  WOOALERTS_WEBHOOK_SECRET: ['ingress', 'worker'],
  BOARD_PASSWORD: ['board'],
} as const;

type GeneratedName = keyof typeof generated;
export type ProcessName = 'ingress' | 'worker' | 'board' | 'migrate';

const SECRET_BYTES = 32;
const names = Object.keys(generated) as GeneratedName[];

const secretsShape = z.object({
  settings: z.partialRecord(z.enum(names), z.string()),
  database: z.object({ superuser: z.string(), owner: z.string(), app: z.string() }),
});

const adminShape = z.object({ ADMIN_EMAIL: z.string(), ADMIN_PASSWORD: z.string() });

export interface GeneratedSettings {
  database: EmbeddedPasswords;
  /** The settings one process needs, without those that the environment has. */
  for(process: ProcessName, env: Environment): Record<string, string>;
  files: { secrets: string; admin: string };
  /** Whether this run made them. */
  fresh: boolean;
}

/** Random secrets and the first admin, made on the first run and kept in `dataDir`, readable by their owner only. */
export function generatedSettings(dataDir: string): GeneratedSettings {
  const files = { secrets: join(dataDir, 'secrets.json'), admin: join(dataDir, 'admin.json') };
  const fresh = !existsSync(files.secrets);
  const secrets = completeSecrets(files.secrets);
  const admin = completeAdmin(files.admin);
  return {
    database: secrets.database,
    files,
    fresh,
    for(process, env) {
      const all = process === 'migrate' ? admin : settingsOf(process, secrets.settings);
      return Object.fromEntries(Object.entries(all).filter(([name]) => !isGiven(name, env)));
    },
  };
}

function settingsOf(process: ProcessName, settings: Partial<Record<GeneratedName, string>>): Record<string, string> {
  const chosen = names.filter((name) => (generated[name] as readonly ProcessName[]).includes(process));
  return Object.fromEntries(chosen.map((name) => [name, settings[name] ?? '']));
}

/** Whether the environment has a setting, as a value or as a file. */
export function isGiven(name: string, env: Environment): boolean {
  return Boolean(env[name]) || Boolean(env[`${name}_FILE`]);
}

/** A later release may want a secret that an earlier one did not make. */
function completeSecrets(path: string): z.infer<typeof secretsShape> {
  const kept = parse(path, secretsShape.partial());
  const secrets = {
    settings: Object.fromEntries(names.map((name) => [name, kept?.settings?.[name] ?? secret()])),
    database: kept?.database ?? { superuser: secret(), owner: secret(), app: secret() },
  };
  const isComplete = kept?.database !== undefined && names.every((name) => kept.settings?.[name] !== undefined);
  if (!isComplete) writePrivateFile(path, secrets);
  return secrets;
}

function completeAdmin(path: string): z.infer<typeof adminShape> {
  const kept = parse(path, adminShape);
  if (kept !== undefined) return kept;
  const admin = { ADMIN_EMAIL: 'admin@portcullis.localhost', ADMIN_PASSWORD: randomBytes(18).toString('base64url') };
  writePrivateFile(path, admin);
  return admin;
}

function parse<T>(path: string, shape: z.ZodType<T>): T | undefined {
  const content = readPrivateFile(path);
  if (content === undefined) return undefined;
  const result = shape.safeParse(content);
  if (!result.success) throw new Error(`${path} does not have the shape it was made with: restore it`);
  return result.data;
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
