import { hashSync, verifySync } from '@node-rs/argon2';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { HashTask } from '#access/hash-threads.ts';

// On Linux 0 is the calling thread, elsewhere the whole process. The threads that serve requests come first.
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);

parentPort?.on('message', (task: HashTask) => {
  try {
    const { password, options } = task;
    const result = task.kind === 'make' ? hashSync(password, options) : verifySync(task.hash, password, options);
    parentPort?.postMessage({ result });
  } catch (error) {
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});
