import { setTimeout as sleep } from 'node:timers/promises';
import type { EventHandler } from '../../libs/webhooks/handler.ts';

const WORK_MS = Number(process.env['WORK_MS'] ?? '0');

/** Stands where an application writes its own handlers: one row in `effect`, and then perhaps some more work. */
export const handlersOf = (): EventHandler[] => [
  {
    name: 'effect',
    wants: () => true,
    async apply(client, event) {
      await client.query({ name: 'apply', text: 'insert into effect (key) values ($1)', values: [event.key] });
      if (WORK_MS > 0) await sleep(WORK_MS);
    },
  },
];
