import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { TestServices } from '#testing/services.ts';

/** Starts the services that integration tests use, once for a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = fork(join(import.meta.dirname, 'serve.ts'), [`${project.config.maxWorkers}`], {
    detached: true,
    execArgv: [],
  });
  const ended = once(server, 'exit');
  const [first] = await Promise.race([
    once(server, 'message') as Promise<[TestServices]>,
    ended.then(() => [undefined] as const),
  ]);
  if (first === undefined) throw new Error('the services for the tests did not start');
  if (first.redis === undefined) {
    process.stderr.write('\nNo redis-server on this machine: tests that need it are SKIPPED\n\n');
  }
  project.provide('services', first);
  return async () => {
    if (server.connected) server.disconnect();
    await ended;
  };
}
