import { hashSync, verifySync } from '@node-rs/argon2';
import { verifySync as verifyBcrypt } from '@node-rs/bcrypt';
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { HashTask } from '#access/hash-threads.ts';
import { isBcrypt } from '#access/imported-hash.ts';

// On Linux 0 is the calling thread, elsewhere the whole process. The threads that serve requests come first, also where the
// process has a low priority itself: nobody but root may raise one.
if (process.platform === 'linux') {
  const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
  setPriority(0, Math.min(PRIORITY_LOW, getPriority(0) + PRIORITY_BELOW_NORMAL));
}

parentPort?.on('message', (task: HashTask) => {
  try {
    const startedMs = performance.now();
    const result = resultOf(task);
    parentPort?.postMessage({ result, tookMs: performance.now() - startedMs });
  } catch (error) {
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});

function resultOf(task: HashTask): string | boolean {
  const { password, options } = task;
  if (task.kind === 'make') return hashSync(password, options);
  return isBcrypt(task.hash) ? verifyBcrypt(password, task.hash) : verifySync(task.hash, password, options);
}
