import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { valueOf, type Environment } from '#runtime/config.ts';

const shape = z.object({
  addresses: z.object({ ingress: z.string(), board: z.string() }),
  settings: z.record(z.string(), z.string()),
});

export interface RunningSystem {
  /** Base address of the ingress. */
  ingress: string;
  /** Of the board. */
  board: string;
  /** What it was started with, as far as it told; what the environment sets wins. */
  env: Environment;
}

/** The system that runs from this environment's DATA_DIR; without one, the default address and the environment alone. */
export function findRunningSystem(env: Environment): RunningSystem {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const told = readRunning(join(valueOf('DATA_DIR', env) ?? '.data', 'running.json'));
  return {
    ingress: told?.addresses.ingress ?? `http://127.0.0.1:${valueOf('PORT', env) ?? '4000'}`,
    board: told?.addresses.board ?? `http://127.0.0.1:${valueOf('BOARD_PORT', env) ?? '4001'}`,
    env: { ...told?.settings, ...given },
  };
}

function readRunning(path: string): z.infer<typeof shape> | undefined {
  try {
    return shape.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
