import { logSettings } from '#runtime/log.ts';
import type { Settings } from '#runtime/config.ts';
import { sourceSettings } from '#webhooks/source-settings.ts';
import { boardSettings } from '../../apps/board/settings.ts';
import { ingressSettings } from '../../apps/ingress/settings.ts';
import { migrateSettings } from '../../apps/migrate/settings.ts';
import { standaloneSettings } from '../../apps/standalone/settings.ts';
import { workerSettings } from '../../apps/worker/settings.ts';

/** What each program under apps/ reads from its environment. */
export const processes: Record<string, Settings> = {
  ingress: { ...logSettings, ...sourceSettings, ...ingressSettings },
  worker: { ...logSettings, ...workerSettings },
  board: { ...logSettings, ...boardSettings },
  migrate: { ...logSettings, ...migrateSettings },
  standalone: standaloneSettings,
};

/** Every setting of every program. */
export const allSettings: Settings = Object.assign({}, ...Object.values(processes));
