import { basename } from 'node:path';
import type { StandaloneConfig } from './settings.ts';

export interface SummaryParts {
  config: StandaloneConfig;
  addresses: { ingress: string; worker: string; board: string };
  /** Where people reach the ingress. */
  publicUrl: string;
  dataDir: string;
  /** Where the embedded database is; undefined if it is not embedded. */
  cluster: string | undefined;
  /** Whether clamd runs here. */
  hasScanner: boolean;
  /** Where events go. */
  events: string;
  files: { secrets: string; admin: string };
}

/** What a person needs to know of a running system: addresses, what runs where, what to try next. No secret. */
export function summaryOf({
  config,
  addresses,
  publicUrl,
  dataDir,
  cluster,
  hasScanner,
  events,
  files,
}: SummaryParts): string {
  const queue =
    config.QUEUE_URL === undefined ? 'in PostgreSQL' : `QUEUE_URL (${new URL(config.QUEUE_URL).protocol.slice(0, -1)})`;
  const rows = [
    ['console', `${publicUrl}/console/  sign in as in ${dataDir}/${basename(files.admin)}`],
    ['ingress', `${addresses.ingress}  webhooks: POST /api/whatsapp/webhook`],
    ['board', `${addresses.board}  user ${config.BOARD_USER}, password in ${dataDir}/${basename(files.secrets)}`],
    ['worker', `${addresses.worker}/readyz`],
    ['database', cluster === undefined ? 'DATABASE_URL' : `embedded PostgreSQL in ${cluster}`],
    ['queue', queue],
    ['scanner', config.CLAMD_URL ?? (hasScanner ? 'clamd' : 'none: uploads wait in quarantine')],
    ['events', events],
    ['logs', `${dataDir}/logs/`],
  ] as const;
  return [
    'Portcullis is running',
    ...rows.map(([name, text]) => `  ${name.padEnd(12)} ${text}`),
    '',
    'Try next, in another terminal: npm run demo',
    'Stop with Ctrl-C',
  ].join('\n');
}
