import { valueOf, type Environment } from '#runtime/config.ts';
import type { EventInbox } from './event-inbox.ts';
import { isGiven, type GeneratedSettings, type ProcessName } from './generated-settings.ts';

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
  'UPLOAD_STORAGE',
  'S3_ENDPOINT',
  'S3_REGION',
  'S3_QUARANTINE_BUCKET',
  'S3_CLEAN_BUCKET',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'S3_FORCE_PATH_STYLE',
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

/** Whether nothing is said of where events go. */
export function forwardsNowhere(env: Environment): boolean {
  return !isGiven('FORWARD_URL', env) && !isGiven('FORWARD_SECRET', env);
}

/** A worker's environment with the inbox as the receiver of events, and leave to reach it and nothing more on this machine. */
export function forwardingTo(
  { url, secret, host }: Pick<EventInbox, 'url' | 'secret' | 'host'>,
  env: Environment,
): Environment {
  return {
    ...env,
    FORWARD_URL: url,
    FORWARD_SECRET: secret,
    FORWARD_ALLOW_PRIVATE: withHost(valueOf('FORWARD_ALLOW_PRIVATE', env), host),
    FORWARD_ALLOW_PRIVATE_FILE: undefined,
  };
}

function withHost(given: string | undefined, host: string): string {
  if (given === 'yes' || given === 'true') return given;
  return given === undefined || given === 'no' || given === 'false' ? host : `${given},${host}`;
}
