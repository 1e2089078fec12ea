import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from '#runtime/private-file.ts';

const runningShape = z.object({
  pid: z.number(),
  startedAt: z.string(),
  /** Base addresses, such as `http://127.0.0.1:4000`. */
  addresses: z.object({ ingress: z.string(), worker: z.string(), board: z.string() }),
  /** What it runs with, generated or given: stores and secrets by the names of their settings. */
  settings: z.record(z.string(), z.string()),
  /** Where forwarded events can be read, and with which bearer token, while nobody else gets them. */
  inbox: z.object({ url: z.string(), token: z.string() }).optional(),
});

/** How to reach a system that `npm start` has running; kept in `running.json` of its DATA_DIR for as long as it runs. */
export type Running = z.infer<typeof runningShape>;

const pathIn = (dataDir: string): string => join(dataDir, 'running.json');

/** The system that runs from this DATA_DIR, or undefined. */
export function readRunning(dataDir: string): Running | undefined {
  const running = runningShape.safeParse(readPrivateFile(pathIn(dataDir)));
  return running.success && isAlive(running.data.pid) ? running.data : undefined;
}

export function writeRunning(dataDir: string, running: Running): void {
  writePrivateFile(pathIn(dataDir), running);
}

export function removeRunning(dataDir: string): void {
  rmSync(pathIn(dataDir), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
