import { valueOf, type Environment } from '#runtime/config.ts';
import type { GeneratedSettings, ProcessName } from './generated-settings.ts';

/** Only the migration may own the schema and make the first admin. */
const MIGRATION_ONLY = ['MIGRATE_DATABASE_URL', 'ADMIN_EMAIL', 'ADMIN_PASSWORD'];
/** What a tool on this machine needs to use the running system. */
const FOR_TOOLS = [
  'DATABASE_URL',
  'MIGRATE_DATABASE_URL',
  'QUEUE_URL',
  'REDIS_URL',
  'CLAMD_URL',
  'ADMIN_EMAIL',
  'ADMIN_PASSWORD',
  'BOARD_USER',
  'BOARD_PASSWORD',
  'WHATSAPP_APP_SECRET',
  'WHATSAPP_VERIFY_TOKEN',
  'WOOALERTS_WEBHOOK_SECRET',
  'WOOALERTS_SIGNATURE_HEADER',
  'WOOALERTS_SIGNATURE_ENCODING',
  'WEBHOOK_SOURCES',
  'FORWARD_SECRET',
  'PUBLIC_URL',
  'METRICS_TOKEN',
];

/** The environment of each process: the caller's, which wins, with what is made here and what that process needs of the secrets. */
export function environmentsOf({
  env,
  settings,
  generated,
}: {
  env: Environment;
  /** Where things are in this run. */
  settings: Record<string, string>;
  generated: GeneratedSettings;
}): Record<ProcessName, Environment> & { running: Record<string, string> } {
  const environmentOf = (name: ProcessName): Environment => {
    const all: Environment = { ...env, ...settings, ...generated.for(name, env) };
    if (name !== 'migrate')
      for (const setting of MIGRATION_ONLY) for (const suffix of ['', '_FILE']) delete all[setting + suffix];
    return all;
  };
  const environments = {
    ingress: environmentOf('ingress'),
    worker: environmentOf('worker'),
    board: environmentOf('board'),
    migrate: environmentOf('migrate'),
  };
  const everything = Object.assign({}, ...Object.values(environments)) as Environment;
  const known = FOR_TOOLS.map((setting) => [setting, valueOf(setting, everything)] as const);
  return {
    ...environments,
    running: Object.fromEntries(known.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  };
}
